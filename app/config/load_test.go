package config

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// parametersFake stands for Parameter Store where only the merging is tested.
type parametersFake struct {
	have  map[string]string
	err   error
	asked []string
}

func (p *parametersFake) Parameters(_ context.Context, names []string) (map[string]string, error) {
	p.asked = names
	if p.err != nil {
		return nil, p.err
	}
	found := maps.Clone(p.have)
	maps.DeleteFunc(found, func(name, _ string) bool { return !slices.Contains(names, name) })
	return found, nil
}

func load(t *testing.T, purpose Purpose, have map[string]string, environ ...string) (*Config, []Warning, error) {
	t.Helper()
	return Load(t.Context(), Options{Purpose: purpose, Environ: environ, Parameters: &parametersFake{have: have}})
}

// faults returns all faults of err.
func faults(t *testing.T, err error) []Fault {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e.Faults
}

func TestPrecedence(t *testing.T) {
	stored := map[string]string{"/d/p/max-files": "7", "/d/p/db/port": " 3307\n", "/d/p/log/format": "text"}
	for _, c := range []struct {
		name    string
		environ []string
		files   int
		port    int
		format  LogFormat
	}{
		{"defaults", nil, 50, 3306, LogText},
		{"parameters before defaults", []string{"DOSSIER_PARAMETERS=/d/p"}, 7, 3307, LogText},
		{"a slash at the end of the path", []string{"DOSSIER_PARAMETERS=/d/p/"}, 7, 3307, LogText},
		{"environment before parameters",
			[]string{"DOSSIER_PARAMETERS=/d/p", "DOSSIER_MAX_FILES=9", "DOSSIER_LOG_FORMAT=json"}, 9, 3307, LogJSON},
		{"environment before defaults", []string{"DOSSIER_MAX_FILES=9"}, 9, 3306, LogText},
		{"the last of two", []string{"DOSSIER_MAX_FILES=9", "DOSSIER_MAX_FILES=8"}, 8, 3306, LogText},
		{"an empty variable is not set", []string{"DOSSIER_PARAMETERS=/d/p", "DOSSIER_MAX_FILES=", "DOSSIER_DB_PORT= "},
			7, 3307, LogText},
		{"other variables", []string{"DOSSIER_TEST_REQUIRE=1", "MAX_FILES=3", "HOME=/", "=C:=x", "odd"}, 50, 3306,
			LogText},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, _, err := load(t, Serve, stored, c.environ...)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Limits.Files != c.files || cfg.People.Port != c.port || cfg.Log.Format != c.format {
				t.Errorf("got %d, %d, %s; want %d, %d, %s", cfg.Limits.Files, cfg.People.Port, cfg.Log.Format, c.files,
					c.port, c.format)
			}
		})
	}
}

func TestLogsAreJSONInAWS(t *testing.T) {
	cfg, _, err := load(t, Serve, map[string]string{"/d/max-files": "7"}, "DOSSIER_PARAMETERS=/d")
	if err != nil || cfg.Log.Format != LogJSON || cfg.Parameters != "/d" {
		t.Errorf("got %v, %v", cfg, err)
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, _, err := load(t, Serve, map[string]string{
		"/dossier/prod/db/host":      "mysql://db",
		"/dossier/prod/staff/secret": "tooShortToTell",
		"/dossier/prod/table":        "t",
	},
		"DOSSIER_PARAMETERS=/dossier/prod", "DOSSIER_LISTEN=8080", "DOSSIER_TRUSTED_PROXIES=10.0.0.1/8",
		"DOSSIER_PUBLIC_URL=https://me:hunter2@x.org", "DOSSIER_TIMEOUT_UPLOAD=48h", "DOSSIER_STAFF_SECRETS=hunter3",
		"DOSSIER_XYZZY_FROBNICATE=1")
	const want = `10 invalid settings:
  DOSSIER_LISTEN = "8080" (environment): must be host:port, such as localhost:8080 or :8080, with a port from 0 to 65535
  DOSSIER_PUBLIC_URL = (hidden) (environment): must be an origin such as https://files.example.org: http or https, an ASCII host, an optional port, no path
  DOSSIER_TRUSTED_PROXIES = "10.0.0.1/8" (environment): must be a list of CIDR blocks or addresses separated by commas, such as 10.0.0.0/16,2001:db8::/32; "10.0.0.1/8" has bits beyond its length; the block is 10.0.0.0/8
  DOSSIER_DB_HOST = "mysql://db" (Parameter Store /dossier/prod/db/host): must be a host name or an IP address, without a port and without a scheme
  DOSSIER_TABLE = "t" (Parameter Store /dossier/prod/table): must be a DynamoDB table name: 3 to 255 letters, digits, dots, hyphens and underscores
  DOSSIER_STAFF_SECRET = (hidden) (Parameter Store /dossier/prod/staff/secret): must be text of at least 16 characters, without control characters or white space at either end
  DOSSIER_DB_PASSWORD is not set: needed because DOSSIER_DB_HOST is set (must be text without control characters or white space at either end); set it, or the parameter /dossier/prod/db/password
  DOSSIER_RECONCILE_AGE = "24h" (default): must exceed DOSSIER_TIMEOUT_UPLOAD = "48h" (environment), or reconciliation would remove uploads that are still running
  DOSSIER_STAFF_SECRETS = (hidden) (environment): unknown setting; did you mean DOSSIER_STAFF_SECRET?
  DOSSIER_XYZZY_FROBNICATE = (hidden) (environment): unknown setting; unset it`
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	refuseLeak(t, shown(t, err)+got, "hunter2", "hunter3", "tooShortToTell")
}

func TestRules(t *testing.T) {
	const password, staff = "DOSSIER_DB_PASSWORD=pass", "DOSSIER_STAFF_SECRET=0123456789abcdef"
	ca := "DOSSIER_DB_CA_FILE=" + certificate(t)
	here := []string{"DOSSIER_STAFF_ISSUER=https://people.example", "DOSSIER_STAFF_CLIENT_ID=id",
		"DOSSIER_STAFF_CLIENT_SECRET=s", "DOSSIER_STAFF_ALLOW=example.org"}
	issuer := append(here[:4:4], "DOSSIER_PUBLIC_URL=https://dossier.example")
	for _, c := range []struct {
		name    string
		purpose Purpose
		environ []string
		want    []string // The settings at fault.
	}{
		{"all embedded", Serve, nil, nil},
		{"all in AWS", Serve, []string{"DOSSIER_DB_HOST=db", "DOSSIER_BUCKET=files", "DOSSIER_TABLE=files", password,
			staff}, nil},
		{"mixed", Serve, []string{"DOSSIER_BUCKET=files", staff}, nil},
		{"MySQL without password", Serve, []string{"DOSSIER_DB_HOST=db", staff}, []string{"DOSSIER_DB_PASSWORD"}},
		{"MySQL without password, migrate", Migrate, []string{"DOSSIER_DB_HOST=db"}, []string{"DOSSIER_DB_PASSWORD"}},
		{"MySQL without password, healthcheck", Healthcheck, []string{"DOSSIER_DB_HOST=db"}, nil},
		{"MySQL without staff secret", Serve, []string{"DOSSIER_DB_HOST=db", password},
			[]string{"DOSSIER_STAFF_SECRET"}},
		{"S3 without staff secret", Serve, []string{"DOSSIER_BUCKET=files"}, []string{"DOSSIER_STAFF_SECRET"}},
		{"DynamoDB without staff secret", Serve, []string{"DOSSIER_TABLE=files"}, []string{"DOSSIER_STAFF_SECRET"}},
		{"a faulty bucket is still a bucket", Serve, []string{"DOSSIER_BUCKET=F"},
			[]string{"DOSSIER_BUCKET", "DOSSIER_STAFF_SECRET"}},
		{"reconcile needs no staff secret", Reconcile, []string{"DOSSIER_DB_HOST=db", "DOSSIER_BUCKET=files", password},
			nil},
		{"migrate needs no staff secret", Migrate, []string{"DOSSIER_DB_HOST=db", "DOSSIER_BUCKET=files", password},
			nil},
		{"a CA for a connection in clear", Serve, []string{ca, "DOSSIER_DB_TLS=off"}, []string{"DOSSIER_DB_CA_FILE"}},
		{"a CA for a faulty TLS", Serve, []string{ca, "DOSSIER_DB_TLS=of"}, []string{"DOSSIER_DB_TLS"}},
		{"administrator without password", Migrate, []string{"DOSSIER_DB_ADMIN_USER=root"},
			[]string{"DOSSIER_DB_ADMIN_PASSWORD"}},
		{"administrator without name", Migrate, []string{"DOSSIER_DB_ADMIN_PASSWORD=x"},
			[]string{"DOSSIER_DB_ADMIN_USER"}},
		{"administrator", Migrate, []string{"DOSSIER_DB_ADMIN_PASSWORD=x", "DOSSIER_DB_ADMIN_USER=root"}, nil},
		{"administrator is the app", Migrate, []string{"DOSSIER_DB_ADMIN_PASSWORD=x", "DOSSIER_DB_ADMIN_USER=app",
			"DOSSIER_DB_USER=app"}, []string{"DOSSIER_DB_ADMIN_USER"}},
		{"who prunes is the app", Migrate, []string{"DOSSIER_DB_ADMIN_PRUNE_PASSWORD=x", "DOSSIER_DB_USER=app",
			"DOSSIER_DB_ADMIN_PRUNE_USER=app"}, []string{"DOSSIER_DB_ADMIN_PRUNE_USER"}},
		{"who prunes is the administrator", Migrate, []string{"DOSSIER_DB_ADMIN_PRUNE_PASSWORD=x",
			"DOSSIER_DB_ADMIN_PASSWORD=x", "DOSSIER_DB_ADMIN_USER=dossier_prune"},
			[]string{"DOSSIER_DB_ADMIN_PRUNE_USER"}},
		{"who prunes has no password", Migrate, []string{"DOSSIER_DB_USER=dossier_prune"}, nil},
		{"GuardDuty without a bucket", Serve, []string{"DOSSIER_SCANNER=guardduty"}, []string{"DOSSIER_SCANNER"}},
		{"GuardDuty without a bucket, reconcile", Reconcile, []string{"DOSSIER_SCANNER=guardduty"},
			[]string{"DOSSIER_SCANNER"}},
		{"GuardDuty without a bucket, migrate", Migrate, []string{"DOSSIER_SCANNER=guardduty"}, nil},
		{"GuardDuty with a bucket", Serve, []string{"DOSSIER_SCANNER=guardduty", "DOSSIER_BUCKET=files", staff}, nil},
		{"GuardDuty with a faulty bucket", Reconcile, []string{"DOSSIER_SCANNER=guardduty", "DOSSIER_BUCKET=F"},
			[]string{"DOSSIER_BUCKET"}},
		{"an issuer", Serve, issuer, nil},
		{"an issuer for this machine", Serve, here, nil},
		{"an issuer for this machine, with its address", Serve, append(here[:4:4],
			"DOSSIER_PUBLIC_URL=http://127.0.0.1:8080"), nil},
		{"an issuer alone", Serve, issuer[:1], []string{"DOSSIER_STAFF_CLIENT_ID", "DOSSIER_STAFF_CLIENT_SECRET",
			"DOSSIER_STAFF_ALLOW"}},
		{"an issuer that nobody comes in by", Serve, issuer[:3], []string{"DOSSIER_STAFF_ALLOW"}},
		{"an issuer with a claim", Serve, append(issuer[:3:3], "DOSSIER_STAFF_ROLE_CLAIM=groups"), nil},
		{"roles without a claim", Serve, append(issuer[:4:4], "DOSSIER_STAFF_ROLES=a=viewer"),
			[]string{"DOSSIER_STAFF_ROLE_CLAIM"}},
		{"a faulty issuer is still one", Serve, append(issuer[1:4:4], "DOSSIER_STAFF_ISSUER=x"),
			[]string{"DOSSIER_STAFF_ISSUER"}},
		{"a client without an issuer", Serve, issuer[1:3], []string{"DOSSIER_STAFF_ISSUER"}},
		{"an issuer alone, of none", Serve, []string{"DOSSIER_STAFF_ISSUER_ONLY=true"},
			[]string{"DOSSIER_STAFF_ISSUER"}},
		{"a site without https", Serve, append(issuer[:4:4], "DOSSIER_PUBLIC_URL=http://dossier.example"),
			[]string{"DOSSIER_PUBLIC_URL"}},
		{"a site that others reach", Serve, append(issuer[:4:4], "DOSSIER_LISTEN=:8080"),
			[]string{"DOSSIER_PUBLIC_URL"}},
		{"a site that others reach, where nobody says so", Serve, append(issuer[:4:4], "DOSSIER_LISTEN=192.0.2.1:80"),
			[]string{"DOSSIER_PUBLIC_URL"}},
		{"a site without https behind a proxy here", Serve, append(issuer[:4:4], "DOSSIER_LISTEN=:8080",
			"DOSSIER_PUBLIC_URL=http://localhost:8080"), nil},
		{"a faulty site", Serve, append(issuer[:4:4], "DOSSIER_PUBLIC_URL=dossier.example"),
			[]string{"DOSSIER_PUBLIC_URL"}},
		{"an issuer, migrate", Migrate, issuer[:1], nil},
		{"age equals upload time", Serve, []string{"DOSSIER_RECONCILE_AGE=6h"}, []string{"DOSSIER_RECONCILE_AGE"}},
		{"age exceeds upload time", Serve, []string{"DOSSIER_RECONCILE_AGE=6h1ms"}, nil},
		{"age below upload time, reconcile", Reconcile, []string{"DOSSIER_TIMEOUT_UPLOAD=25h"},
			[]string{"DOSSIER_RECONCILE_AGE"}},
		{"age and upload time, migrate", Migrate, []string{"DOSSIER_TIMEOUT_UPLOAD=25h"}, nil},
		{"faulty age", Serve, []string{"DOSSIER_RECONCILE_AGE=x", "DOSSIER_TIMEOUT_UPLOAD=25h"},
			[]string{"DOSSIER_RECONCILE_AGE"}},
		{"not read, not judged", Migrate, []string{"DOSSIER_LISTEN=x", "DOSSIER_MAX_FILES=x"}, nil},
		{"unknown, healthcheck", Healthcheck, []string{"DOSSIER_LISTN=x"}, []string{"DOSSIER_LISTN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := load(t, c.purpose, nil, c.environ...)
			var got []string
			if err != nil {
				for _, f := range faults(t, err) {
					got = append(got, f.Name)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got faults in %v, want %v: %v", got, c.want, err)
			}
		})
	}
}

func TestContradictionShowsBothValues(t *testing.T) {
	_, _, err := load(t, Reconcile, map[string]string{"/d/timeout/upload": "30h"}, "DOSSIER_PARAMETERS=/d",
		"DOSSIER_RECONCILE_AGE=29h")
	const want = `DOSSIER_RECONCILE_AGE = "29h" (environment): must exceed DOSSIER_TIMEOUT_UPLOAD = "30h" (Parameter Store /d/timeout/upload)`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWarnings(t *testing.T) {
	const staff = "DOSSIER_STAFF_SECRET=0123456789abcdef"
	for _, c := range []struct {
		name    string
		purpose Purpose
		stored  map[string]string
		environ []string
		want    []string
	}{
		{"embedded on this machine", Serve, nil, nil, nil},
		{"mixed", Serve, nil, []string{"DOSSIER_BUCKET=files", staff}, []string{"DOSSIER_DB_HOST", "DOSSIER_TABLE"}},
		{"embedded in AWS", Serve, map[string]string{"/d/max-files": "7"}, []string{"DOSSIER_PARAMETERS=/d"},
			[]string{"DOSSIER_DB_HOST", "DOSSIER_BUCKET", "DOSSIER_TABLE"}},
		{"embedded in AWS, migrate", Migrate, map[string]string{"/d/db/port": "7"}, []string{"DOSSIER_PARAMETERS=/d"},
			[]string{"DOSSIER_DB_HOST"}},
		{"administrator in the server's environment", Serve, nil,
			[]string{"DOSSIER_DB_ADMIN_USER=root", "DOSSIER_DB_ADMIN_PASSWORD=hunter2"},
			[]string{"DOSSIER_DB_ADMIN_USER", "DOSSIER_DB_ADMIN_PASSWORD"}},
		{"in clear to elsewhere", Migrate, nil, []string{"DOSSIER_DB_HOST=db", "DOSSIER_DB_PASSWORD=hunter2",
			"DOSSIER_DB_TLS=off"}, []string{"DOSSIER_DB_TLS"}},
		{"in clear to here", Migrate, nil, []string{"DOSSIER_DB_HOST=127.0.0.1", "DOSSIER_DB_PASSWORD=hunter2",
			"DOSSIER_DB_TLS=off"}, nil},
		{"open without https", Serve, nil, []string{"DOSSIER_LISTEN=:80", "DOSSIER_PUBLIC_URL=http://x.org"},
			[]string{"DOSSIER_PUBLIC_URL"}},
		{"open, and nobody says where", Serve, nil, []string{"DOSSIER_LISTEN=0.0.0.0:80"},
			[]string{"DOSSIER_PUBLIC_URL"}},
		{"open with https", Serve, nil, []string{"DOSSIER_LISTEN=:80", "DOSSIER_PUBLIC_URL=https://x.org"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warnings, err := load(t, c.purpose, c.stored, c.environ...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range warnings {
				got = append(got, w.Name)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", warnings, c.want)
			}
			refuseLeak(t, shown(t, warnings), "hunter2", "0123456789abcdef")
		})
	}
}

func TestAdministratorIsMigratesAlone(t *testing.T) {
	stored := map[string]string{"/d/db/admin/user": "root", "/d/db/admin/password": "hunter2", "/d/db/port": "3307"}
	for _, purpose := range []Purpose{Serve, Migrate, Reconcile} {
		fake := &parametersFake{have: stored}
		cfg, _, err := Load(t.Context(), Options{Purpose: purpose, Environ: []string{"DOSSIER_PARAMETERS=/d"},
			Parameters: fake})
		if err != nil {
			t.Fatalf("%s: %v", purpose, err)
		}
		migrate := purpose == Migrate
		if got := slices.Contains(fake.asked, "/d/db/admin/password"); got != migrate {
			t.Errorf("%s: asked for the administrator's password: %t", purpose, got)
		}
		if got := cfg.People.AdminPassword.Reveal() == "hunter2" && cfg.People.AdminUser == "root"; got != migrate {
			t.Errorf("%s: has the administrator's credentials: %t", purpose, got)
		}
		// From the environment neither.
		cfg, _, err = load(t, purpose, nil, "DOSSIER_DB_ADMIN_USER=root", "DOSSIER_DB_ADMIN_PASSWORD=hunter2")
		if err != nil {
			t.Fatalf("%s: %v", purpose, err)
		}
		if got := cfg.People.AdminPassword != "" || cfg.People.AdminUser != ""; got != migrate {
			t.Errorf("%s: took the administrator's credentials from the environment: %t", purpose, got)
		}
	}
}

func TestHealthcheckAsksNobody(t *testing.T) {
	fake := &parametersFake{err: errors.New("asked")}
	cfg, warnings, err := Load(t.Context(),
		Options{Purpose: Healthcheck, Parameters: fake,
			Environ: []string{"DOSSIER_PARAMETERS=/d", "DOSSIER_LISTEN=:81"}})
	if err != nil || warnings != nil || cfg.HTTP.Listen != ":81" {
		t.Errorf("got %v, %v, %v", cfg, warnings, err)
	}
	if names := ParameterNames("/d", Healthcheck); names != nil {
		t.Errorf("healthcheck would ask for %v", names)
	}
}

func TestPurposeMustBeOne(t *testing.T) {
	for _, p := range []Purpose{0, Serve | Migrate, 128} {
		if cfg, _, err := Load(t.Context(), Options{Purpose: p}); err == nil {
			t.Errorf("%d: got %v, want an error", p, cfg)
		}
	}
}
