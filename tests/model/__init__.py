"""The protocol of slots, leases, attempts and ends as a formal model: docs/model.md."""
