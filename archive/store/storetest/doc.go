// Package storetest is what implementations of store.Store are tested with.
package storetest
