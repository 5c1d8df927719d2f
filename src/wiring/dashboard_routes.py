"""What dashboards read and change."""

from __future__ import annotations

from dependency_injector import providers

from spot_optimizer.adapters.http.dashboard.agents import agent_items, dashboard_agent_handlers
from spot_optimizer.adapters.http.dashboard.clients import dashboard_client_handlers
from spot_optimizer.adapters.http.dashboard.decisions import decision_view_handlers
from spot_optimizer.adapters.http.dashboard.exports import export_handlers
from spot_optimizer.adapters.http.dashboard.instances import (
    dashboard_instance_handlers,
    instance_items,
)
from spot_optimizer.adapters.http.dashboard.notifications import notification_handlers
from spot_optimizer.adapters.http.dashboard.prices import dashboard_price_handlers
from spot_optimizer.adapters.http.dashboard.replicas import dashboard_replica_handlers
from spot_optimizer.adapters.http.dashboard.savings import dashboard_savings_handlers
from spot_optimizer.adapters.http.dashboard.switches import dashboard_switch_handlers
from spot_optimizer.adapters.persistence.dashboard.agents import SqlAgentViews
from spot_optimizer.adapters.persistence.dashboard.clients import SqlClientViews
from spot_optimizer.adapters.persistence.dashboard.exports import SqlExportSource
from spot_optimizer.adapters.persistence.dashboard.instances import SqlInstanceViews
from spot_optimizer.adapters.persistence.dashboard.notifications import SqlNotificationViews
from spot_optimizer.adapters.persistence.dashboard.prices import SqlPriceViews
from spot_optimizer.adapters.persistence.dashboard.replicas import SqlReplicaViews
from spot_optimizer.adapters.persistence.dashboard.savings import SqlSavingsViews
from spot_optimizer.adapters.persistence.dashboard.switches import SqlSwitchViews
from spot_optimizer.application.agents.configure_agent import ConfigureAgent
from spot_optimizer.application.agents.delete_agent import DeleteAgent
from spot_optimizer.application.agents.toggle_agent import ToggleAgent
from spot_optimizer.application.commands.force_switch import ForceSwitch
from spot_optimizer.application.notifications.mark_read import MarkRead
from spot_optimizer.wiring.access import Access
from spot_optimizer.wiring.foundation import Foundation
from spot_optimizer.wiring.questions import switch_histories
from spot_optimizer.wiring.stores import cache_of_prices


class DashboardRoutes(Access):
    agent_views = providers.Singleton(SqlAgentViews, engine=Foundation.reading_engine)
    instance_views = providers.Singleton(SqlInstanceViews, engine=Foundation.reading_engine)
    switch_views = providers.Singleton(SqlSwitchViews, engine=Foundation.reading_engine)
    price_views = providers.Singleton(
        SqlPriceViews,
        engine=Foundation.reading_engine,
        clock=Foundation.clock,
        cache=providers.Callable(cache_of_prices, Foundation.settings, Foundation.cache),
    )
    dashboard_routes = (
        providers.Singleton(
            dashboard_client_handlers,
            gatekeeper=Access.gatekeeper,
            client_views=providers.Singleton(SqlClientViews, engine=Foundation.reading_engine),
        ),
        providers.Singleton(
            dashboard_agent_handlers,
            gatekeeper=Access.gatekeeper,
            agent_lists=Access.all_listed_for_callers(agent_views.provided.of_clients, agent_items),
            agent_views=agent_views,
            toggle_agent=Foundation.compatible(ToggleAgent),
            configure_agent=Foundation.compatible(ConfigureAgent),
            delete_agent=Foundation.compatible(DeleteAgent),
            compatibility=Foundation.compatibility,
        ),
        providers.Singleton(
            decision_view_handlers,
            gatekeeper=Access.gatekeeper,
            agent_views=agent_views,
            clock=Foundation.clock,
        ),
        providers.Singleton(
            dashboard_instance_handlers,
            gatekeeper=Access.gatekeeper,
            instance_lists=Access.all_listed_for_callers(
                instance_views.provided.of_clients, instance_items
            ),
            instance_views=instance_views,
            force_switch=Foundation.transactional(ForceSwitch, identifiers=Foundation.identifiers),
            clock=Foundation.clock,
        ),
        providers.Singleton(
            dashboard_price_handlers,
            gatekeeper=Access.gatekeeper,
            instance_charts=Access.joined_for_callers(price_views.provided.of_instances),
            price_views=price_views,
        ),
        providers.Singleton(
            dashboard_replica_handlers,
            gatekeeper=Access.gatekeeper,
            replica_views=providers.Singleton(SqlReplicaViews, engine=Foundation.reading_engine),
        ),
        providers.Singleton(
            dashboard_savings_handlers,
            gatekeeper=Access.gatekeeper,
            savings_views=providers.Singleton(SqlSavingsViews, engine=Foundation.reading_engine),
            clock=Foundation.clock,
        ),
        providers.Singleton(
            dashboard_switch_handlers,
            gatekeeper=Access.gatekeeper,
            histories=Access.listed_for_callers(
                providers.Singleton(switch_histories, switch_views, Foundation.compatibility)
            ),
            switch_lists=Access.listed_for_callers(switch_views.provided.of_client),
        ),
        providers.Singleton(
            export_handlers,
            gatekeeper=Access.gatekeeper,
            source=providers.Singleton(SqlExportSource, engine=Foundation.exporting_engine),
            clock=Foundation.clock,
        ),
        providers.Singleton(
            notification_handlers,
            gatekeeper=Access.gatekeeper,
            notification_views=providers.Singleton(
                SqlNotificationViews, engine=Foundation.reading_engine
            ),
            mark_read=Foundation.transactional(MarkRead),
        ),
    )
