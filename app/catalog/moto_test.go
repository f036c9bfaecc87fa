//go:build unix

package catalog

import (
	"testing"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/storetest"
)

// A second server by other people, where it is installed: two have to misread DynamoDB in the same way before a fault
// is missed.
func TestDynamoDBMoto(t *testing.T) {
	t.Parallel()
	moto, ok := servers.Moto(t)
	if !ok {
		t.Log("moto_server is not on PATH, or does not run: this extra check is left out")
		return
	}
	// Its conditional writes are not atomic, so only those tests where that does not matter.
	storetest.CatalogAlone(t, func(t *testing.T) dossier.Catalog {
		d, _ := newDynamoDB(t, moto.Config())
		return d
	})
}
