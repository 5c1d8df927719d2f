"""What agents ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from dependency_injector import providers

from spot_optimizer.adapters.advisor.bands import SpotAdvisor
from spot_optimizer.adapters.http.agents import agent_handlers
from spot_optimizer.adapters.http.commands import command_handlers
from spot_optimizer.adapters.http.decisions import decision_handlers
from spot_optimizer.adapters.http.emergencies import emergency_handlers
from spot_optimizer.adapters.http.interruptions import interruption_handlers
from spot_optimizer.adapters.http.pricing import pricing_handlers
from spot_optimizer.adapters.http.replicas import replica_handlers
from spot_optimizer.adapters.http.switching import switching_handlers
from spot_optimizer.adapters.metrics.measured import (
    MeasuredDecide,
    MeasuredEmergencies,
    MeasuredFailOver,
)
from spot_optimizer.adapters.persistence.agent_queries import SqlAgentQueries
from spot_optimizer.adapters.persistence.command_queries import SqlCommandQueries
from spot_optimizer.adapters.persistence.replica_queries import SqlReplicaQueries
from spot_optimizer.application.agents.record_cleanup import RecordCleanup
from spot_optimizer.application.agents.record_heartbeats import RecordHeartbeats
from spot_optimizer.application.agents.register_agent import RegisterAgent
from spot_optimizer.application.agents.report_termination import ReportTermination
from spot_optimizer.application.commands.hand_out_commands import HandOutCommands
from spot_optimizer.application.commands.issue_switch_command import IssueSwitchCommand
from spot_optimizer.application.commands.report_command_execution import ReportCommandExecution
from spot_optimizer.application.decisions.costs import AgentCosts
from spot_optimizer.application.decisions.decide import Decide
from spot_optimizer.application.decisions.market import MarketPasts
from spot_optimizer.application.decisions.price_histories import PriceHistories
from spot_optimizer.application.decisions.questions import AskEngine
from spot_optimizer.application.decisions.recommend_switch import RecommendSwitch
from spot_optimizer.application.interruptions.ensure_emergency_replica import EnsureEmergencyReplica
from spot_optimizer.application.interruptions.fail_over import FailOver
from spot_optimizer.application.interruptions.handle_rebalance import HandleRebalance
from spot_optimizer.application.pricing.ingest_pricing_reports import IngestPricingReports
from spot_optimizer.application.replicas.create_replica import CreateReplica
from spot_optimizer.application.replicas.hand_out_replicas import HandOutReplicas
from spot_optimizer.application.replicas.promote_replica import PromoteReplica
from spot_optimizer.application.replicas.report_replica import ReportReplica
from spot_optimizer.application.replicas.terminate_replica import TerminateReplica
from spot_optimizer.application.switching.record_switch import RecordSwitch
from spot_optimizer.wiring.access import Access
from spot_optimizer.wiring.background import make_emergency_orders
from spot_optimizer.wiring.foundation import EMERGENCIES_AT_A_TIME, Foundation
from spot_optimizer.wiring.models import Models
from spot_optimizer.wiring.stores import downtime_values

# What a notice has to wait for is a batch of them.
_NOTICES_AT_A_TIME: Final = 16


class AgentRoutes(Access, Models):
    notice_lane = providers.Singleton(ThreadPoolExecutor, 1, thread_name_prefix="notice")
    emergency_lane = providers.Singleton(ThreadPoolExecutor, 1, thread_name_prefix="emergency")
    ask_engine = providers.Singleton(AskEngine, engines=Models.engines)
    agent_costs = providers.Singleton(
        AgentCosts, downtime=providers.Callable(downtime_values, Foundation.settings)
    )
    market_pasts = providers.Singleton(
        MarketPasts,
        costs=agent_costs,
        advisor=providers.Singleton(
            SpotAdvisor, file=Foundation.settings.provided.spot_advisor_file
        ),
    )
    price_histories = providers.Singleton(PriceHistories)
    emergency_orders = providers.Singleton(
        make_emergency_orders,
        Foundation.settings,
        Foundation.identifiers,
        Foundation.price_freshness,
    )
    agent_queries = providers.Singleton(SqlAgentQueries, engine=Foundation.reading_engine)
    replica_queries = providers.Singleton(SqlReplicaQueries, engine=Foundation.reading_engine)
    agent_routes = (
        providers.Singleton(
            agent_handlers,
            gatekeeper=Access.gatekeeper,
            register_agent=Foundation.compatible(RegisterAgent, identifiers=Foundation.identifiers),
            record_heartbeats=Access.joined_for_polls(Foundation.compatible(RecordHeartbeats)),
            configurations=Access.joined_for_polls(agent_queries.provided.configurations),
            report_termination=Foundation.compatible(ReportTermination),
            record_cleanup=Foundation.transactional(RecordCleanup),
            compatibility=Foundation.compatibility,
        ),
        providers.Singleton(
            command_handlers,
            gatekeeper=Access.gatekeeper,
            hand_out_commands=Access.joined_for_polls(
                Foundation.compatible(
                    HandOutCommands,
                    queries=providers.Singleton(
                        SqlCommandQueries, engine=Foundation.reading_engine
                    ),
                    lease=Foundation.command_lease,
                ),
            ),
            report_command_execution=Foundation.compatible(ReportCommandExecution),
            issue_switch_command=Foundation.compatible(
                IssueSwitchCommand, identifiers=Foundation.identifiers
            ),
            compatibility=Foundation.compatibility,
        ),
        providers.Singleton(
            decision_handlers,
            gatekeeper=Access.gatekeeper,
            decide=Access.joined_for_polls(
                providers.Singleton(
                    MeasuredDecide,
                    decide=Foundation.transactional(
                        Decide,
                        stopwatch=Foundation.stopwatch,
                        ask=ask_engine,
                        price_freshness=Foundation.price_freshness,
                        histories=price_histories,
                        markets=market_pasts,
                    ),
                    instruments=Foundation.instruments,
                ),
            ),
            recommend_switch=Foundation.compatible(
                RecommendSwitch,
                ask=ask_engine,
                price_freshness=Foundation.price_freshness,
                markets=market_pasts,
                histories=price_histories,
            ),
            compatibility=Foundation.compatibility,
        ),
        providers.Singleton(
            interruption_handlers,
            gatekeeper=Access.gatekeeper,
            handle_rebalance=Foundation.transactional(
                HandleRebalance,
                goes_by_record=Foundation.settings.provided.weighs_places,
                costs=agent_costs,
            ),
            compatibility=Foundation.compatibility,
        ),
        providers.Singleton(
            pricing_handlers,
            gatekeeper=Access.gatekeeper,
            ingest_pricing_reports=Access.joined_for_polls(
                Foundation.compatible(IngestPricingReports, identifiers=Foundation.identifiers)
            ),
            compatibility=Foundation.compatibility,
        ),
        providers.Singleton(
            replica_handlers,
            gatekeeper=Access.gatekeeper,
            clock=Foundation.clock,
            create_replica=Foundation.compatible(
                CreateReplica,
                stopwatch=Foundation.stopwatch,
                identifiers=Foundation.identifiers,
                price_freshness=Foundation.price_freshness,
            ),
            replica_queries=replica_queries,
            hand_out_replicas=Foundation.transactional(
                HandOutReplicas, queries=replica_queries, lease=Foundation.command_lease
            ),
            promote_replica=Foundation.compatible(
                PromoteReplica, identifiers=Foundation.identifiers
            ),
            terminate_replica=Foundation.compatible(TerminateReplica),
            report_replica=Foundation.compatible(ReportReplica, stopwatch=Foundation.stopwatch),
            compatibility=Foundation.compatibility,
        ),
        providers.Singleton(
            emergency_handlers,
            gatekeeper=Access.gatekeeper,
            ensure_emergency_replica=Access.joined_for_callers(
                providers.Singleton(
                    MeasuredEmergencies,
                    ensure=Foundation.compatible(
                        EnsureEmergencyReplica,
                        identifiers=Foundation.identifiers,
                        price_freshness=Foundation.price_freshness,
                    ),
                    instruments=Foundation.instruments,
                ),
                lane=emergency_lane,
                largest=EMERGENCIES_AT_A_TIME,
            ),
            fail_over=Access.joined_for_callers(
                providers.Singleton(
                    MeasuredFailOver,
                    fail_over=providers.Singleton(
                        FailOver,
                        unit_of_work=Foundation.urgent_unit_of_work.provider,
                        clock=Foundation.clock,
                        stopwatch=Foundation.stopwatch,
                        compatibility=Foundation.compatibility,
                        emergency_orders=emergency_orders,
                    ),
                    instruments=Foundation.instruments,
                ),
                lane=notice_lane,
                largest=_NOTICES_AT_A_TIME,
            ),
            compatibility=Foundation.compatibility,
        ),
        providers.Singleton(
            switching_handlers,
            gatekeeper=Access.gatekeeper,
            record_switch=Foundation.compatible(RecordSwitch, identifiers=Foundation.identifiers),
            compatibility=Foundation.compatibility,
        ),
    )
