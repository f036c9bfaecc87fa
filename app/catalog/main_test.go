package catalog

import (
	"os"
	"testing"

	"dossier.example/app/internal/servers"
)

func TestMain(m *testing.M) {
	os.Exit(servers.Run(m))
}
