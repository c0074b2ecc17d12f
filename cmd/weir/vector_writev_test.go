//go:build linux || darwin || openbsd

package main

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/seed63bb8431/weir"
)

// TestWriteVector writes more into a pipe than it holds, so that calls stop within slices, and into a file that is closed.
func TestWriteVector(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	v, ok := vectored(w).(weir.VectorWriter)
	if !ok {
		t.Fatal("a file is no VectorWriter")
	}
	var slices [][]byte
	var want []byte
	for i := range 400 {
		b := bytes.Repeat([]byte{byte(i)}, i*i%9000)
		slices, want = append(slices, b), append(want, b...)
	}
	got := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(r)
		got <- b
	}()
	n, err := v.WriteVector(slices)
	if err != nil || n != int64(len(want)) {
		t.Errorf("WriteVector = %d, %v; want %d", n, err, len(want))
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if b := <-got; !bytes.Equal(b, want) {
		t.Errorf("%d bytes arrived, not the %d that were written", len(b), len(want))
	}
	if n, err := v.WriteVector(slices[1:2]); n != 0 || err == nil {
		t.Errorf("WriteVector on a closed file = %d, %v", n, err)
	}
}
