"""The base of what this room refuses; each error lives in the module that raises it.

DatasetError
├── upload         EmptyFileError, UploadTooLargeError
├── encoding       UnsupportedEncodingError, BinaryFileError
├── reading        UnsupportedFormatError
├── delimited      RaggedRowError
├── archive        MalformedArchiveError, UnsafeMemberError, ArchiveTooLargeError
├── images         DamagedImageError, ImageTooLargeError
├── audio          DamagedRecordingError, RecordingTooLargeError
├── labelled_files NoFilesError, NoClassFoldersError, ManifestError
├── table          MalformedRowError, FieldTooLongError, TooManyColumnsError, HeaderOnlyError,
│                  DuplicateColumnError
├── squad          MalformedSquadError
├── parquet        MalformedParquetError
├── columns        UnknownColumnError, ColumnNotFoundError, ColumnConflictError, UnusedColumnError
├── row_errors     ValuesMissingError, UnusableValueError, OneClassError, LabelsUniqueError,
│                  TooManyClassesError, TooManyRowsError, HistoriesTooShortError, OneItemError,
│                  TooManyItemsError, OnePairError, OneTextError
├── ingest         UnsupportedTaskError
├── storage        InvalidDatasetIdError, DatasetNotFoundError
└── repository     InvalidCursorError
"""


class DatasetError(ValueError):
    """Data that cannot be used, where that shows, and what would be right.

    Attributes:
        detail: What is wrong.
        remedy: What would be right.
        pointer: JSON pointer to the part of the request that is at fault.
        column: Name of the column concerned, if one is.
        rows: Line numbers (text files) or row numbers (Parquet) concerned, from 1; the first few.
    """

    def __init__(
        self,
        detail: str,
        *,
        remedy: str,
        pointer: str = "/file",
        column: str | None = None,
        rows: tuple[int, ...] = (),
    ) -> None:
        self.detail = detail
        self.remedy = remedy
        self.pointer = pointer
        self.column = column
        self.rows = rows
        super().__init__(f"{detail} {remedy}")
