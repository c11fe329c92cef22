from inductiva_widgets.models.tasks import ArchiveEntry, ArchiveListing
from inductiva_widgets.tasks.outputs import OutputsInfo

LISTING = ArchiveListing(
    size=1_760_936_591,
    contents=[
        ArchiveEntry(name="stderr.txt", size=191, compressed_size=96),
        ArchiveEntry(name="stdout.txt", size=141_558, compressed_size=17_132),
        ArchiveEntry(name="vtk/", size=0, compressed_size=0),
        ArchiveEntry(name="vtk/a.vtk", size=None, compressed_size=None),
    ],
)


def test_prints_the_documented_table():
    assert str(OutputsInfo.from_listing(LISTING)) == "\n".join(
        [
            "Archive size: 1.64 GiB",
            "Contents:",
            " Size         Compressed   Name",
            " 191 B        96 B         stderr.txt",
            " 138.24 KiB   16.73 KiB    stdout.txt",
            " n/a          n/a          vtk/a.vtk",
        ]
    )


def test_counts_files_not_folders():
    info = OutputsInfo.from_listing(LISTING)
    assert (info.n_files, info.size, info.total_size) == (3, 1_760_936_591, 141_749)
    assert info.contents[0].name == "stderr.txt"
