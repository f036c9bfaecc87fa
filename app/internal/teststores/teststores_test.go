package teststores

import (
	"os"
	"testing"
	"time"

	"dossier.example/app/internal/servers"
	"dossier.example/app/staff"
)

func TestMain(m *testing.M) { os.Exit(servers.Run(m)) }

// What a test leaves in its database, the next one that gets it does not see.
func TestCloudIsEmpty(t *testing.T) {
	var seen []string
	for range 2 {
		t.Run("test", func(t *testing.T) {
			c := Cloud(t)
			seen = append(seen, c.Database)
			sessions := c.Stores(t).People.(staff.SessionStore)
			if left, err := sessions.Sessions(t.Context(), staff.AccountID{}); err != nil || len(left) > 0 {
				t.Fatalf("a new database has %d sessions, %v", len(left), err)
			}
			now := time.UnixMicro(1)
			one := staff.Session{ID: staff.SessionID{1}, Client: "192.0.2.1", BeganAt: now, SeenAt: now}
			if err := sessions.AddSession(t.Context(), one); err != nil {
				t.Fatal(err)
			}
		})
	}
	if len(seen) == 2 && seen[0] != seen[1] {
		t.Errorf("the databases are %q: one is not used again", seen)
	}
}
