"""The literal messages of examples/ work as they stand."""

from local.deployed import Deployed
from local.examples import formats_of, load_examples


def test_every_example_becomes_its_files(deployed: Deployed) -> None:
    examples = load_examples().values()
    deployed.send(*examples)
    for message in examples:
        export_id = message.get("ExportId") or message["SnapshotJobId"]
        export = deployed.wait_for_export(export_id)
        assert export["status"] == "COMPLETED", export
        assert [file["format"] for file in export["files"]] == formats_of(message)
        assert all(file["uri"].startswith("s3://") for file in export["files"])


def test_the_gate_counts_its_leases_and_is_empty_at_the_end(deployed: Deployed) -> None:
    assert deployed.gate().get("running", 0) == len(deployed.leases()) == 0
