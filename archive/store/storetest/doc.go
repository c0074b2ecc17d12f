// Package storetest is the suite that each implementation of store.Store passes.
//
// Test holds a store to its interface. TestDurable adds what is there after the store was closed and opened again, and TestFaults
// what is there after an operation on the storage failed. A Workload is for an implementation's own tests of that kind: kill it, take
// away what it has not synced, flip its bits, then let the Workload check what is left against what was acknowledged.
package storetest
