package people

import (
	"os"
	"testing"

	"dossier.example/app/internal/servers"
)

func TestMain(m *testing.M) {
	servers.TempInMemory()
	os.Exit(m.Run())
}
