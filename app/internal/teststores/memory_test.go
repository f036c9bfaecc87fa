package teststores

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"testing"

	"dossier.example/app"
	"dossier.example/app/storetest"
)

// What stands in for the real stores passes their suites.
func TestMemory(t *testing.T) {
	t.Run("people", func(t *testing.T) {
		storetest.People(t, func(*testing.T) dossier.People { return newMemoryPeople() })
	})
	t.Run("catalog", func(t *testing.T) {
		storetest.Catalog(t, func(*testing.T) dossier.Catalog { return newMemoryCatalog() })
	})
	t.Run("objects", func(t *testing.T) {
		storetest.Objects(t, func(*testing.T) (dossier.Objects, storetest.Send) {
			m := newMemoryObjects()
			return m, func(ctx context.Context, r dossier.SignedRequest, body []byte) error {
				u, err := url.Parse(r.URL)
				if err != nil {
					return err
				}
				err = m.Receive(ctx, u, int64(len(body)), bytes.NewReader(body))
				if errors.Is(err, dossier.ErrForbidden) || errors.Is(err, dossier.ErrCorrupt) ||
					errors.Is(err, dossier.ErrNotFound) {
					return errors.Join(storetest.ErrRefused, err)
				}
				return err
			}
		})
	})
}
