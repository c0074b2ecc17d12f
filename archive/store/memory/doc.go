// Package memory keeps an archive in memory, for tests and for a look at what the interface asks for. It is lost when the program ends.
package memory
