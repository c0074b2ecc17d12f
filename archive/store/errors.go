package store

import "errors"

var (
	// ErrNotFound means that there is no such stream.
	ErrNotFound = errors.New("store: no such stream")
	// ErrExists means that a stream of that name is there already.
	ErrExists = errors.New("store: stream exists")
	// ErrVersion means that a stream was changed since the caller read it.
	ErrVersion = errors.New("store: stream has another version")
	// ErrGone means that a fragment's bytes have been removed, though its row may still be there.
	ErrGone = errors.New("store: fragment is gone")
	// ErrDamaged means that a fragment's bytes are not those that were stored.
	ErrDamaged = errors.New("store: fragment is damaged")
	// ErrFull means that the storage has no room to spare. Reading goes on; appending is tried again when there is room.
	ErrFull = errors.New("store: no room left")
	// ErrLocked means that another process has the archive open.
	ErrLocked = errors.New("store: in use by another process")
	// ErrFormat means that the archive is of a format that this program does not know, a newer one for example.
	ErrFormat = errors.New("store: unknown format")
	// ErrClosed means that the store has been closed.
	ErrClosed = errors.New("store: closed")
)
