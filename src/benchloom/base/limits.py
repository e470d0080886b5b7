"""All limits on memory, time and disk space for data from outside: downloads, archives, metadata and program output.

They are far above what well-behaved files and servers need. Exceeding one is an error that names it, never an endless
wait or a process killed by the system.
"""

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

# Downloads: an attempt ends if it receives fewer bytes than this within a window, or lasts longer than this in total. What it
# received is kept, and the next attempt resumes from there.
LEAST_BYTES_PER_WINDOW = 60_000
WINDOW_SECONDS = 60.0
ATTEMPT_SECONDS = 12 * 3600.0
RETRY_AFTER_SECONDS = 120.0  # the longest wait before the next attempt that a server may demand (Retry-After)
REDIRECTS = 10
DOWNLOAD_BYTES = 500 * GIB  # of a file whose size is not stated

# Files that are read whole. Metadata files are those of components and repositories, of the user's own settings, and `@FILE` and user.conf.
METADATA_BYTES = 1_000_000
METADATA_DEPTH = 100
METADATA_VALUES = 200_000  # what YAML aliases may expand to
DOCUMENT_BYTES = 64 * MIB  # of locks, records, results of a program: written by this engine or a program
OUTPUT_TAIL_BYTES = 64 * KIB  # of a program's output, for a message
LABEL_FILE_BYTES = 64 * MIB
ANNOTATION_BYTES = 2 * GIB
IMAGE_BYTES = GIB
IMAGE_PIXELS = 1 << 27  # before anything is decoded: 400 MB in three channels

# Archives: what one may expand to, even if only a part is extracted.
ARCHIVE_BYTES = 200 * GIB
ARCHIVE_ENTRIES = 2_000_000
ARCHIVE_RATIO = 500.0  # times its own size, checked from ARCHIVE_UNCHECKED_BYTES on
ARCHIVE_UNCHECKED_BYTES = 16 * MIB
LZMA_MEMORY_BYTES = 256 * MIB  # to decompress .xz, .lzma and such members of a zip: `xz -9` asks for 65 MiB
TAR_HEADER_BYTES = 256 * KIB  # of one header: a long name, or the attributes of pax

# What a component may search for on this machine during planning.
VERSION_SECONDS = 10.0  # of a program that is asked for its version
VERSION_BYTES = 4096  # of its output that are looked at
REGEX_SECONDS = 2.0  # of a repository's regular expression over that output
# Files and folders below a search folder of a component, for patterns that go through folders of any name: all of ImageNet, no disk.
SEARCHED_ENTRIES = 1_500_000
