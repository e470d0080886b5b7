"""The bounds on memory, time and disk that hold for whatever others send or write: all of them, and nowhere else.

They are far above what honest files and servers need. A value beyond one is an error that names it, never a wait without
end or a process that the system kills.
"""

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

# Downloads: an attempt ends if it brings fewer bytes than these within a window, or lasts longer than this in all. What it
# brought is kept, and the next one goes on from there.
LEAST_BYTES_PER_WINDOW = 60_000
WINDOW_SECONDS = 60.0
ATTEMPT_SECONDS = 12 * 3600.0
RETRY_AFTER_SECONDS = 120.0  # the longest that a server may make us wait before the next attempt (Retry-After)
REDIRECTS = 10
DOWNLOAD_BYTES = 500 * GIB  # of a file whose size nobody states

# Files that are read whole. Metadata files are those of components and repositories, of the user's own settings, and `@FILE` and user.conf.
METADATA_BYTES = 1_000_000
METADATA_DEPTH = 100
METADATA_VALUES = 200_000  # what YAML aliases may unfold to
DOCUMENT_BYTES = 64 * MIB  # of locks, records, results of a program: what this engine or a program has written
OUTPUT_TAIL_BYTES = 64 * KIB  # of a program's output, for a message
LABEL_FILE_BYTES = 64 * MIB
ANNOTATION_BYTES = 2 * GIB
IMAGE_BYTES = GIB
IMAGE_PIXELS = 1 << 27  # before anything is decoded: 400 MB in three channels

# Archives: what one may unfold to, whatever of it is taken.
ARCHIVE_BYTES = 200 * GIB
ARCHIVE_ENTRIES = 2_000_000
ARCHIVE_RATIO = 500.0  # times its own size, checked from ARCHIVE_UNCHECKED_BYTES on
ARCHIVE_UNCHECKED_BYTES = 16 * MIB
LZMA_MEMORY_BYTES = 256 * MIB  # to decompress .xz, .lzma and such members of a zip: `xz -9` asks for 65 MiB
TAR_HEADER_BYTES = 256 * KIB  # of one header: a long name, or the attributes of pax

# What a component has looked for on this machine while something is planned.
VERSION_SECONDS = 10.0  # of a program that is asked for its version
VERSION_BYTES = 4096  # of its output that are looked at
REGEX_SECONDS = 2.0  # of a repository's regular expression over that output
# Files and folders below a search folder of a component, for patterns that go through folders of any name: all of ImageNet, no disk.
SEARCHED_ENTRIES = 1_500_000
