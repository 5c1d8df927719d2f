"""Uploaded models, and the engine in service."""

from __future__ import annotations

from dependency_injector import providers

from spot_optimizer.adapters.ml.loader import BuiltInEngines, TryOut
from spot_optimizer.adapters.ml.registry import EngineRegistry
from spot_optimizer.adapters.ml.trial import TrialProcesses
from spot_optimizer.adapters.persistence.decision_records import SqlDecisionRecords
from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion
from spot_optimizer.adapters.persistence.model_queries import SqlModelQueries
from spot_optimizer.adapters.scheduling.engine_watch import EngineWatch
from spot_optimizer.application.decisions.replay_decision import ReplayDecision
from spot_optimizer.application.models.follow_models import FollowModels
from spot_optimizer.application.models.record_start import RecordStart
from spot_optimizer.application.models.serve_models import ServeModels
from spot_optimizer.application.ports.decision_engine import Announcer
from spot_optimizer.application.ports.model_files import ModelFiles
from spot_optimizer.wiring.foundation import Foundation
from spot_optimizer.wiring.stores import make_announcer, make_files, make_loader, make_trial


class Models(Foundation):
    engines = providers.Singleton(EngineRegistry)
    model_queries = providers.Singleton(SqlModelQueries, engine=Foundation.reading_engine)
    model_files: providers.Singleton[ModelFiles] = providers.Singleton(
        make_files,
        settings=Foundation.settings,
        folder=Foundation.settings.provided.model_dir,
        name="models",
    )
    engine_files: providers.Singleton[ModelFiles] = providers.Singleton(
        make_files,
        settings=Foundation.settings,
        folder=Foundation.settings.provided.decision_engine_dir,
        name="decision_engines",
    )
    try_out_model: providers.Provider[TryOut] = providers.Singleton(TrialProcesses)
    loader: providers.Singleton[BuiltInEngines] = providers.Singleton(
        make_loader, settings=Foundation.settings, files=model_files, try_out=try_out_model
    )
    announcer: providers.Singleton[Announcer] = providers.Singleton(
        make_announcer, settings=Foundation.settings
    )
    one_upload_at_a_time = providers.Singleton(
        DatabaseExclusion, engine=Foundation.engine, name="models"
    )
    engine_watch = providers.Singleton(
        EngineWatch,
        follow=providers.Singleton(
            FollowModels, queries=model_queries, loader=loader, engines=engines
        ),
        announcer=announcer,
    )
    trial = providers.Singleton(make_trial, settings=Foundation.settings)
    serve_models = Foundation.compatible(
        ServeModels,
        files=model_files,
        one_at_a_time=one_upload_at_a_time,
        loader=loader,
        engines=engines,
        announcer=announcer,
        trial=trial,
    )
    replay_decision = providers.Singleton(
        ReplayDecision,
        records=providers.Singleton(SqlDecisionRecords, engine=Foundation.reading_engine),
        engines=loader,
    )
    record_start = Foundation.transactional(RecordStart, cache=Foundation.cache, engines=engines)
