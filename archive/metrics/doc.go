// Package metrics counts what a server of the archive does, for Prometheus.
//
//	httpapi.Options ─ Observe, Moved ─┐
//	archive.Options ─ Acked ──────────┼─ Metrics ─ Handler
//	httpapi.Service ─ Service ────────┘
//
// Each Metrics has a registry of its own, so that two servers in one process do not count together. Labels have values of the API alone:
// the names of its operations, exceptions, modes and errors. Nothing that a caller chooses becomes a label, so the number of series is bounded.
//
// weir_outgoing_bytes_total is what the API's text calls OutgoingBytes: the bodies of answers as they go out, by the action that they
// answer. It grows while an answer is under way.
package metrics
