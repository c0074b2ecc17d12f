// Package e2e has tests that drive a running server with the SDK for Go, as the producer SDK in C does, and with nonsense. run.sh starts
// the server, calls them, and calls other clients beside them.
package e2e
