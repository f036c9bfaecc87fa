package config

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"dossier.example/app/bounds"
)

func TestConfigShowsNoSecret(t *testing.T) {
	const db, admin, staff = "dbPasswordXYZ", "adminPasswordXYZ", "staffSecretXYZ0123"
	environ := []string{"DOSSIER_DB_HOST=db.internal", "DOSSIER_DB_PASSWORD=" + db, "DOSSIER_DB_ADMIN_USER=root", "DOSSIER_DB_ADMIN_PASSWORD=" + admin, "DOSSIER_STAFF_SECRET=" + staff}
	for _, purpose := range []Purpose{Serve, Migrate, Reconcile, Healthcheck} {
		cfg, warnings, err := load(t, purpose, nil, environ...)
		if err != nil {
			t.Fatal(err)
		}
		out := shown(t, cfg) + shown(t, *cfg) + shown(t, warnings) + shown(t, cfg.People) + shown(t, struct{ C *Config }{cfg})
		refuseLeak(t, out, db, admin, staff)
		line := cfg.String()
		for part, want := range map[string]bool{
			"people=mysql":                                         purpose != Healthcheck,
			"objects=directory":                                    purpose == Serve || purpose == Reconcile,
			"catalog=embedded":                                     purpose == Serve || purpose == Reconcile,
			"DOSSIER_DB_HOST=db.internal":                          purpose != Healthcheck,
			"DOSSIER_DB_PASSWORD=(hidden)":                         purpose != Healthcheck,
			"DOSSIER_DB_ADMIN_PASSWORD=":                           purpose == Migrate,
			"DOSSIER_LISTEN=localhost:8080":                        purpose == Serve || purpose == Healthcheck,
			"DOSSIER_TIMEOUT_UPLOAD=6h":                            purpose == Serve || purpose == Reconcile,
			fmt.Sprint("DOSSIER_MAX_FILE_SIZE=", bounds.FileBytes): purpose == Serve,
		} {
			if got := strings.Contains(line, part); got != want {
				t.Errorf("%s: %s in the log line: %t, want %t: %s", purpose, part, got, want, line)
			}
		}
	}
}

func TestOrigin(t *testing.T) {
	addr := func(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
	for _, c := range []struct {
		listen, public string
		listening      net.Addr
		want           string
		secure         bool
	}{
		{"localhost:8080", "", nil, "http://localhost:8080", false},
		{"localhost:0", "", addr(4711), "http://localhost:4711", false},
		{":80", "", nil, "http://localhost", false},
		{"0.0.0.0:8080", "", addr(8080), "http://localhost:8080", false},
		{"[::]:8080", "", nil, "http://localhost:8080", false},
		{"[::1]:8080", "", nil, "http://[::1]:8080", false},
		{":8080", "https://x.org", addr(8080), "https://x.org", true},
		{":8080", "http://x.org", nil, "http://x.org", false},
	} {
		h := HTTP{Listen: c.listen, PublicURL: c.public}
		if got := h.Origin(c.listening); got != c.want || h.SecureCookies() != c.secure {
			t.Errorf("%+v at %v: got %s, secure %t; want %s, %t", h, c.listening, got, h.SecureCookies(), c.want, c.secure)
		}
	}
}

func TestInForce(t *testing.T) {
	const secret = "staffSecretXYZ0123"
	have := map[string]string{"/dossier/dev/staff/secret": secret, "/dossier/dev/max-file-size": "7MiB"}
	cfg, _, err := load(t, Serve, have, "DOSSIER_PARAMETERS=/dossier/dev", "DOSSIER_LISTEN=:8080")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]InForce{}
	for _, one := range cfg.InForce() {
		if one.Meaning == "" || one.Source == "" {
			t.Errorf("%+v says too little", one)
		}
		refuseLeak(t, fmt.Sprint(one), secret)
		one.Meaning = ""
		got[one.Name] = one
	}
	for _, want := range []InForce{
		{Name: "DOSSIER_LISTEN", Value: ":8080", Source: "environment"},
		{Name: "DOSSIER_MAX_FILE_SIZE", Value: "7MiB", Source: "Parameter Store /dossier/dev/max-file-size"},
		{Name: "DOSSIER_STAFF_SECRET", Value: "(hidden)", Source: "Parameter Store /dossier/dev/staff/secret"},
		{Name: "DOSSIER_DATA", Value: "./data", Source: "default", Default: true},
	} {
		if got[want.Name] != want {
			t.Errorf("%+v is in force, want %+v", got[want.Name], want)
		}
	}
	if _, there := got["DOSSIER_DB_ADMIN_PASSWORD"]; there {
		t.Error("a setting is in force that serve does not read")
	}
}
