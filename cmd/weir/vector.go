package main

import (
	"io"
	"os"
)

// vectorFile is a file that is a weir.VectorWriter where the system has writev(2).
type vectorFile struct{ *os.File }

// vectored makes a file a vectorFile and returns any other writer as it is.
func vectored(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok {
		return vectorFile{f}
	}
	return w
}
