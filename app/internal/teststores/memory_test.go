package teststores

import (
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
}
