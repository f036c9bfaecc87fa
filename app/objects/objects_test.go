package objects

import (
	"bytes"
	"errors"
	"io"
	"testing"

	dossier "dossier.example/app"
	"dossier.example/app/storetest"
)

// byteStream returns size pseudo-random bytes without holding them.
func byteStream(size int64) io.Reader { return storetest.Bytes(1, 0, size) }

func newKey() string { return dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID()) }

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestSourceLimit(t *testing.T) {
	src := &source{ctx: t.Context(), doing: "put object", r: bytes.NewReader(make([]byte, 11)), most: 10}
	_, err := io.Copy(io.Discard, src)
	if err := src.failure(err); !errors.Is(err, dossier.ErrTooLarge) {
		t.Errorf("one byte more than the store takes: %v; want ErrTooLarge", err)
	}
	src = &source{ctx: t.Context(), doing: "put object", r: bytes.NewReader(make([]byte, 10)), most: 10}
	if _, err := io.Copy(io.Discard, src); err != nil {
		t.Errorf("as much as the store takes: %v", err)
	}
}
