"""The peer: what document B (anpr-cloud-backend) describes, written as its authors' tools suggest.

FastAPI, SQLModel with the async session, asyncpg, a pool of connections, pydantic models in and out, uvicorn
with uvloop and httptools. Columns are document A's and B's, indexes document A's. Where the documents leave a
choice, the quicker one: no log-in, no look at the pictures, no message to Redis, no COUNT beside a list, the
camera given by its number. It has no `event_id`: what is sent twice is stored twice.
"""

import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, File, Form, UploadFile
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import JSON, Column, DateTime, desc, func
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

KIN = {char: kin for kin in ("0OQD", "1IL", "2Z", "5S", "8B", "6G") for char in kin}
UPLOADS = Path(os.environ["UPLOAD_DIR"])

engine = create_async_engine(os.environ["PEER_DATABASE_URL"], pool_size=10, max_overflow=20)
sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
app = FastAPI()


def now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


class Camera(SQLModel, table=True):
    """A camera."""

    __tablename__ = "cameras"
    id: int | None = Field(default=None, primary_key=True)
    name: str
    code: str = Field(unique=True)


class PlateEventBase(SQLModel):
    """What a sensor tells."""

    plate_number: str
    confidence: float
    detection_confidence: float | None = None
    recognition_confidence: float | None = None
    ocr_text: str = ""
    bounding_box: list[float] | None = Field(default=None, sa_column=Column(JSON))
    recognition_polygon: list[list[float]] | None = Field(default=None, sa_column=Column(JSON))
    processing_time: float | None = None
    vehicle_type: str = ""
    vehicle_color: str = ""
    vehicle_brand: str = ""
    vehicle_model: str = ""
    direction: str = ""
    lane: str = ""
    tpms: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON))
    extra: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    camera_id: int = Field(foreign_key="cameras.id", index=True)
    detected_at: datetime = Field(sa_column=Column(DateTime(timezone=True), index=True))


class PlateEvent(PlateEventBase, table=True):
    """A row of plate_events."""

    __tablename__ = "plate_events"
    id: int | None = Field(default=None, primary_key=True)
    plate_number: str = Field(index=True)
    frame_url: str | None = None
    crop_url: str | None = None
    exported: bool = False
    export_attempts: int = 0
    created_at: datetime = Field(default_factory=now, sa_column=Column(DateTime(timezone=True)))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(DateTime(timezone=True)))


class PlateEventRead(PlateEventBase):
    """What is answered."""

    id: int
    frame_url: str | None
    crop_url: str | None
    created_at: datetime


async def get_session() -> AsyncIterator[AsyncSession]:
    """A session of the pool for one request."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


async def _stored(event: PlateEvent, session: AsyncSession) -> PlateEvent:
    session.add(event)
    await session.commit()
    await session.refresh(event)
    return event


@app.post("/api/v1/events/ingest", response_model=PlateEventRead, status_code=201)
async def ingest(event: PlateEventBase, session: Session) -> PlateEvent:
    """One event."""
    return await _stored(PlateEvent.model_validate(event), session)


async def _save(upload: UploadFile) -> str:
    path = UPLOADS / f"{uuid.uuid4()}.jpg"
    await run_in_threadpool(path.write_bytes, await upload.read())
    return f"/uploads/{path.name}"


@app.post("/api/v1/events/upload", response_model=PlateEventRead, status_code=201)
async def upload_event(
    camera_id: Annotated[int, Form()],
    plate_number: Annotated[str, Form()],
    confidence: Annotated[float, Form()],
    detected_at: Annotated[datetime, Form()],
    frame: Annotated[UploadFile, File()],
    crop: Annotated[UploadFile, File()],
    session: Session,
) -> PlateEvent:
    """One event with its pictures."""
    event = PlateEvent(
        camera_id=camera_id,
        plate_number=plate_number,
        confidence=confidence,
        detected_at=detected_at,
        frame_url=await _save(frame),
        crop_url=await _save(crop),
    )
    return await _stored(event, session)


@app.post("/api/v1/events/batch", status_code=201)
async def batch(events: list[PlateEventBase], session: Session) -> dict[str, Any]:
    """Many events, in one transaction."""
    rows = [PlateEvent.model_validate(event) for event in events]
    session.add_all(rows)
    await session.commit()
    return {"created": len(rows), "ids": [row.id for row in rows]}


@app.get("/api/v1/events", response_model=list[PlateEventRead])
async def events(
    session: Session,
    camera_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    min_confidence: float | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[PlateEvent]:
    """A page of events, newest first."""
    query = select(PlateEvent)
    if camera_id is not None:
        query = query.where(PlateEvent.camera_id == camera_id)
    if since is not None:
        query = query.where(PlateEvent.detected_at >= since)
    if until is not None:
        query = query.where(PlateEvent.detected_at < until)
    if min_confidence is not None:
        query = query.where(PlateEvent.confidence >= min_confidence)
    query = query.order_by(desc("detected_at")).offset(offset).limit(limit)
    return list((await session.exec(query)).all())


@app.get("/api/v1/events/search", response_model=list[PlateEventRead])
async def search(session: Session, plate: str, mode: str = "exact", limit: int = 50) -> list[PlateEvent]:
    """The newest events of a plate, of those that begin so, that a reader may confuse, or one edit away."""
    column = col(PlateEvent.plate_number)
    conditions = {
        "exact": column == plate,
        "prefix": column.like(f"{plate}%"),
        "confusable": column.regexp_match(f"^{''.join(f'[{KIN.get(char, char)}]' for char in plate)}$"),
        "fuzzy": func.levenshtein(column, plate) <= 1,
    }
    query = select(PlateEvent).where(conditions[mode]).order_by(desc("detected_at")).limit(limit)
    return list((await session.exec(query)).all())


@app.get("/api/v1/events/stats")
async def stats(session: Session, since: datetime) -> dict[str, Any]:
    """How many events there were in each hour since then."""
    hour = func.date_trunc("hour", PlateEvent.detected_at)
    rows = await session.exec(
        select(hour, func.count()).where(col(PlateEvent.detected_at) >= since).group_by(hour).order_by(hour)
    )
    return {"rows": [{"hour": moment, "events": count} for moment, count in rows.all()]}
