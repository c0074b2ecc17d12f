// Package sharedtest has what tests of shared archives stand on in place of a database server and a store of objects: an SQLite file,
// and memory.
package sharedtest
