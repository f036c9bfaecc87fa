package web_test

import (
	"bytes"
	"context"
	"io"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

type mode = teststores.Mode

const (
	sound      = teststores.Sound
	failBefore = teststores.FailBefore
	failAfter  = teststores.FailAfter
	failIn     = teststores.FailWithin
	hang       = teststores.Hang
	panics     = teststores.Panic
)

// bending is a store that changes some bytes on their way.
type bending struct{ dossier.Objects }

func (b bending) Put(ctx context.Context, key string, r io.Reader) (dossier.Held, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return dossier.Held{}, err
	}
	return b.Objects.Put(ctx, key, bytes.NewReader(bytes.Replace(data, []byte("bend"), []byte("bent"), 1)))
}
