"""`create_app()`: the only place where the parts of the API process are joined."""

import datetime as dt
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool
from threadpoolctl import threadpool_limits

from app.api import benchmarks, datasets, drift, health, models, probe_runs, recommendations, tasks
from app.api.broadcast import EventBroadcast
from app.api.dependencies import Services
from app.api.intake import MediaTypeGate
from app.api.openapi import install_openapi
from app.api.shortcut import RecommendShortcut
from app.committing import GroupCommit
from app.datasets.storage import remove_abandoned
from app.db import Database
from app.fits import EmptyDatabaseError
from app.migrations import seed, upgrade
from app.problems import install_problem_handlers
from app.repository import RecommendationRepository
from app.settings import Settings, get_settings
from app.snapshot import SnapshotCache

JSON_BYTES = 4 * 2**20
"""Largest JSON body, but for those that carry data."""
BULK_BYTES = 64 * 2**20
"""Largest JSON body that carries examples or figures."""
FORM_BYTES = 2**20
"""Room for the form around an uploaded file."""
ABANDONED_AFTER = dt.timedelta(days=1)
"""No upload takes as long."""
DESCRIPTION = (
    "Which pretrained model should I fine-tune for my task, with my data, on my compute, and how? "
    "`POST /recommend` answers from published figures, without training; `POST /probe-run` fine-tunes the "
    "likeliest models for a while on your own data."
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API; its database is migrated and seeded when it starts."""
    settings = settings or get_settings()
    app: FastAPI = FastAPIOffline(
        redoc_url=None,
        title="Model-selection advisor",
        version=_version(),
        description=DESCRIPTION,
        lifespan=_lifespan(settings),
        # The validator's badge would be loaded from the internet.
        swagger_ui_parameters={"validatorUrl": None, "displayOperationId": True, "docExpansion": "list"},
    )
    _include_routes(app, settings)
    install_problem_handlers(app)
    install_openapi(app)
    app.add_middleware(MediaTypeGate)
    app.add_middleware(RecommendShortcut)
    return app


def utc_now() -> dt.datetime:
    """The clock of this process."""
    return dt.datetime.now(dt.UTC)


def _include_routes(app: FastAPI, settings: Settings) -> None:
    app.include_router(recommendations.router, max_body_size=JSON_BYTES)
    app.include_router(datasets.router, max_body_size=settings.max_upload_bytes + FORM_BYTES)
    app.include_router(drift.router, max_body_size=JSON_BYTES)
    app.include_router(probe_runs.router, max_body_size=BULK_BYTES)
    app.include_router(models.router, max_body_size=JSON_BYTES)
    app.include_router(benchmarks.router, max_body_size=BULK_BYTES)
    app.include_router(tasks.router, max_body_size=JSON_BYTES)
    app.include_router(health.router, max_body_size=JSON_BYTES)


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = await run_in_threadpool(_start, settings)
        app.state.services = services
        services.commits.start()
        await services.broadcast.start()
        try:
            yield
        finally:
            await services.broadcast.stop()
            await run_in_threadpool(services.commits.stop)
            services.database.close()

    return lifespan


def _start(settings: Settings) -> Services:
    """Everything that must stand before the first request."""
    # Matrices are of a few hundred rows: more BLAS threads than one only wait for each other (ten times
    # slower where requests come in side by side).
    threadpool_limits(limits=1, user_api="blas")
    upgrade(settings.url)
    database = Database(settings.url)
    seed(database)
    services = Services(
        settings=settings,
        database=database,
        snapshots=SnapshotCache(database, settings.fits_dir),
        commits=GroupCommit(database),
        broadcast=EventBroadcast(database, interval_seconds=settings.poll_seconds),
        now=utc_now,
    )
    _forget_old(services)
    with suppress(EmptyDatabaseError):  # /readyz says so; figures may still be imported
        services.snapshots.current()
    # A full collection would look at every model and figure again and stop all requests meanwhile.
    gc.collect()
    gc.freeze()
    return services


def _version() -> str:
    try:
        return version("model-selection-advisor")
    except PackageNotFoundError:
        return "0"


def _forget_old(services: Services) -> None:
    """Recommendations past their retention, and what killed processes left of uploads, are gone."""
    now = services.now()
    with services.database.write() as session:
        RecommendationRepository(session).delete_before(
            now - dt.timedelta(days=services.settings.recommendation_days)
        )
    remove_abandoned(services.settings.data_dir, before=now - ABANDONED_AFTER)
