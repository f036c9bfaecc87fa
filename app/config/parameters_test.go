package config

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"dossier.example/app/internal/servers"
)

// ssmServer is Parameter Store, with what it was asked and a place to interfere.
type ssmServer struct {
	t          *testing.T
	parameters servers.ParameterStore
	// before, if set, may answer in place of the server; n counts requests from 1.
	before func(n int, w http.ResponseWriter, r *http.Request, names []string) (answered bool)

	mu    sync.Mutex
	calls [][]string
}

// sdkHere makes the AWS SDK talk to url, and to nobody else.
func sdkHere(t *testing.T, url string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SSM": url, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test",
		"AWS_SECRET_ACCESS_KEY": "testtest",
		"AWS_SESSION_TOKEN":     "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AWS_EC2_METADATA_DISABLED":   "true", "AWS_DEFAULT_REGION": "", "AWS_MAX_ATTEMPTS": "",
		"HTTP_PROXY": "", "http_proxy": "", "NO_PROXY": "127.0.0.1",
	} {
		t.Setenv(name, value)
	}
}

// start runs the server and makes the SDK talk to it.
func (s *ssmServer) start() *ssmServer {
	server := httptest.NewServer(s)
	s.t.Cleanup(server.Close)
	sdkHere(s.t, server.URL)
	return s
}

func (s *ssmServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in struct{ Names []string }
	if err != nil || r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameters" || json.Unmarshal(body, &in) != nil ||
		!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		s.t.Errorf("not a signed GetParameters: %v %s", r.Header, body)
	}
	s.mu.Lock()
	s.calls = append(s.calls, in.Names)
	n := len(s.calls)
	s.mu.Unlock()
	if s.before == nil || !s.before(n, w, r, in.Names) {
		s.parameters.ServeHTTP(w, r)
	}
}

// stack is what a whole stack keeps below /dossier/prod.
func stack() servers.ParameterStore {
	return servers.ParameterStore{
		"/dossier/prod/db/host":           {Type: "String", Value: "db.internal"},
		"/dossier/prod/db/password":       {Type: "SecureString", Value: "dbPasswordXYZ"},
		"/dossier/prod/db/admin/user":     {Type: "String", Value: "root"},
		"/dossier/prod/db/admin/password": {Type: "SecureString", Value: "adminPasswordXYZ"},
		"/dossier/prod/bucket":            {Type: "String", Value: "dossier-prod-files"},
		"/dossier/prod/table":             {Type: "String", Value: "dossier-prod-files"},
		"/dossier/prod/staff/secret":      {Type: "SecureString", Value: "staffSecretXYZ0123"},
		"/dossier/prod/trusted-proxies":   {Type: "StringList", Value: "10.0.0.0/24,10.0.1.0/24"},
		"/dossier/prod/public-url":        {Type: "String", Value: "https://files.example.org"},
		"/dossier/prod/kept/by/operator":  {Type: "SecureString", Value: "operatorsOwnXYZ"},
	}
}

// stackSecrets are the values in stack that nobody may see.
var stackSecrets = []string{"dbPasswordXYZ", "adminPasswordXYZ", "staffSecretXYZ0123", "operatorsOwnXYZ"}

// checkStack fails unless cfg holds what stack does.
func checkStack(t *testing.T, cfg *Config) {
	t.Helper()
	if cfg.People.Host != "db.internal" || cfg.People.Password.Reveal() != "dbPasswordXYZ" ||
		cfg.Objects.Bucket != "dossier-prod-files" ||
		cfg.Catalog.Table != "dossier-prod-files" || cfg.Staff.Secret.Reveal() != "staffSecretXYZ0123" ||
		len(cfg.HTTP.TrustedProxies) != 2 ||
		cfg.HTTP.PublicURL != "https://files.example.org" || cfg.People.AdminPassword != "" {
		t.Errorf("got %v", cfg)
	}
}

func TestParameterStore(t *testing.T) {
	for _, purpose := range []Purpose{Serve, Reconcile, Migrate} {
		t.Run(purpose.String(), func(t *testing.T) {
			s := (&ssmServer{t: t, parameters: stack()}).start()
			cfg, warnings, err := Load(t.Context(),
				Options{Purpose: purpose, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
			if err != nil {
				t.Fatal(err)
			}
			if warnings != nil {
				t.Errorf("warned: %v", warnings)
			}
			switch {
			case purpose == Serve:
				checkStack(t, cfg)
			case purpose == Migrate && cfg.People.AdminPassword.Reveal() != "adminPasswordXYZ",
				cfg.People.Password.Reveal() != "dbPasswordXYZ", cfg.Staff.Secret != "":
				t.Errorf("got %v", cfg)
			}
			asked := slices.Concat(s.calls...)
			if want := ParameterNames("/dossier/prod", purpose); !slices.Equal(asked, want) {
				t.Errorf("asked for %v, want %v", asked, want)
			}
			if got := slices.Contains(asked, "/dossier/prod/db/admin/password"); got != (purpose == Migrate) {
				t.Errorf("asked for the administrator's password: %t", got)
			}
			refuseLeak(t, shown(t, cfg), stackSecrets...)
		})
	}
}

func TestParameterStoreThrottlesThenAnswers(t *testing.T) {
	s := (&ssmServer{t: t, parameters: stack(),
		before: func(n int, w http.ResponseWriter, _ *http.Request, _ []string) bool {
			if n <= 2 {
				servers.RefuseParameters(w, "ThrottlingException", "Rate exceeded")
			}
			return n <= 2
		}}).start()
	cfg, _, err := Load(t.Context(), Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
	if err != nil {
		t.Fatal(err)
	}
	checkStack(t, cfg)
	if want := (len(ParameterNames("", Serve))+9)/10 + 2; len(s.calls) != want {
		t.Errorf("%d requests, want %d", len(s.calls), want)
	}
}

func TestParameterStoreRefuses(t *testing.T) {
	for _, c := range []struct{ code, message, mend string }{
		{"AccessDeniedException", "User: arn:aws:sts::1:assumed-role/app is not authorized to perform: " +
			"ssm:GetParameters", "allow the role ssm:GetParameters"},
		{"UnrecognizedClientException", "The security token included in the request is invalid.",
			"check the AWS credentials"},
		{"ExpiredTokenException", "The security token included in the request is expired", "check the AWS credentials"},
		{"InvalidKeyId", "arn:aws:kms:eu-central-1:1:key/x is disabled.", "is disabled, being deleted or gone"},
		{"ThrottlingException", "Rate exceeded", "raise the throughput"},
		{"ValidationException", "no", "check the path"},
	} {
		t.Run(c.code, func(t *testing.T) {
			s := (&ssmServer{t: t, before: func(_ int, w http.ResponseWriter, _ *http.Request, _ []string) bool {
				servers.RefuseParameters(w, c.code, c.message)
				return true
			}}).start()
			if c.code == "ThrottlingException" {
				t.Setenv("AWS_MAX_ATTEMPTS", "2")
			}
			_, _, err := Load(t.Context(), Options{Purpose: Serve, Environ: []string{
				"DOSSIER_PARAMETERS=/dossier/prod", "DOSSIER_LISTEN=8080", "DOSSIER_DB_HOST=db",
				"DOSSIER_DB_PASSWORD=dbPasswordXYZ"}})
			got := faults(t, err)
			// What the environment says is judged all the same, but nothing counts as missing.
			if len(got) != 2 || got[0].Name != "DOSSIER_PARAMETERS" || got[0].Value != `"/dossier/prod"` ||
				got[1].Name != "DOSSIER_LISTEN" {
				t.Fatalf("got %v", err)
			}
			for _, part := range []string{c.code, c.message, c.mend} {
				if !strings.Contains(got[0].Problem, part) {
					t.Errorf("no %q in: %s", part, got[0].Problem)
				}
			}
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != c.code {
				t.Errorf("the cause is not kept: %v", err)
			}
			refuseLeak(t, shown(t, err), "dbPasswordXYZ")
			if c.code == "ThrottlingException" && len(s.calls) != 2 {
				t.Errorf("%d requests with AWS_MAX_ATTEMPTS=2", len(s.calls))
			}
		})
	}
}

func TestParameterStoreKeepsNothingThere(t *testing.T) {
	(&ssmServer{t: t, parameters: stack()}).start()
	_, _, err := Load(t.Context(), Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prd"}})
	if got := faults(t, err); len(got) != 1 || got[0].Name != "DOSSIER_PARAMETERS" ||
		!strings.Contains(got[0].Problem, "no parameters exist below this path") {
		t.Errorf("got %v", err)
	}
}

// A request that hangs is given up and made again; the whole call is not given up with it.
func TestParameterStoreHangsOnce(t *testing.T) {
	s := (&ssmServer{t: t, parameters: stack(),
		before: func(n int, _ http.ResponseWriter, r *http.Request, _ []string) bool {
			if n == 1 {
				<-r.Context().Done()
			}
			return n == 1
		}}).start()
	store, err := newParameterStore(t.Context(), 250*time.Millisecond, parameterCall)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Parameters(t.Context(), []string{"/dossier/prod/bucket", "/dossier/prod/absent"})
	if err != nil || len(got) != 1 || got["/dossier/prod/bucket"] != "dossier-prod-files" {
		t.Errorf("got %v, %v", got, err)
	}
	if len(s.calls) < 2 {
		t.Errorf("%d requests", len(s.calls))
	}
}

func TestParameterStoreHangs(t *testing.T) {
	hang := func(_ int, _ http.ResponseWriter, r *http.Request, _ []string) bool {
		<-r.Context().Done()
		return true
	}
	const mend = "did not answer in time; check AWS_REGION"
	t.Run("every attempt", func(t *testing.T) {
		(&ssmServer{t: t, before: hang}).start()
		t.Setenv("AWS_MAX_ATTEMPTS", "2")
		store, err := newParameterStore(t.Context(), 50*time.Millisecond, parameterCall)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Parameters(t.Context(), []string{"/a"}); !errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(err.Error(), mend) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the whole call", func(t *testing.T) {
		(&ssmServer{t: t, before: hang}).start()
		store, err := newParameterStore(t.Context(), parameterAttempt, 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Parameters(t.Context(), []string{"/a"}); !errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(err.Error(), mend) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the caller's deadline", func(t *testing.T) {
		(&ssmServer{t: t, before: hang}).start()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, _, err := Load(ctx, Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), mend) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the caller goes away", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		(&ssmServer{t: t, before: func(n int, w http.ResponseWriter, r *http.Request, names []string) bool {
			cancel()
			return hang(n, w, r, names)
		}}).start()
		_, _, err := Load(ctx, Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
		if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// What cannot be read as an answer may hold secrets all the same.
func TestParameterStoreAnswersNonsense(t *testing.T) {
	for name, body := range map[string]string{
		"cut off":    `{"Parameters":[{"Name":"/dossier/prod/db/password","Type":"SecureString","Value":"dbPasswordXYZ"`,
		"wrong type": `{"Parameters":[{"Name":"/dossier/prod/db/password","Value":{"dbPasswordXYZ":"dbPasswordXYZ"}}]}`,
		"no JSON":    `dbPasswordXYZ`,
	} {
		t.Run(name, func(t *testing.T) {
			(&ssmServer{t: t, before: func(_ int, w http.ResponseWriter, _ *http.Request, _ []string) bool {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				_, _ = io.WriteString(w, body)
				return true
			}}).start()
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			cfg, _, err := Load(t.Context(),
				Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
			if err == nil {
				t.Fatalf("got %v, want an error", cfg)
			}
			refuseLeak(t, err.Error()+fmt.Sprintf("%+v", err), "dbPasswordXYZ")
		})
	}
}

func TestParameterStoreOutOfReach(t *testing.T) {
	server := httptest.NewServer(nil)
	sdkHere(t, server.URL)
	server.Close()
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	_, _, err := Load(t.Context(), Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
	if got := faults(t, err); len(got) != 1 ||
		!strings.Contains(got[0].Problem, "check the AWS credentials, AWS_REGION and the network") {
		t.Errorf("got %v", err)
	}
}

func TestParameterStoreWithoutRegion(t *testing.T) {
	(&ssmServer{t: t}).start()
	t.Setenv("AWS_REGION", "")
	_, _, err := Load(t.Context(), Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
	if got := faults(t, err); len(got) != 1 || !strings.Contains(got[0].Problem, "set AWS_REGION") {
		t.Errorf("got %v", err)
	}
}

func TestParameterPath(t *testing.T) {
	for _, path := range []string{"/d", "/dossier/prod", "/a/b/c/d/e/f/g/h/i/j/k/l", "/D_o.s-1", "/dossier/prod/"} {
		fake := &parametersFake{have: map[string]string{strings.TrimSuffix(path, "/") + "/max-files": "7"}}
		cfg, _, err := Load(t.Context(), Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=" + path},
			Parameters: fake})
		if err != nil || cfg.Limits.Files != 7 {
			t.Errorf("%s: got %v, %v", path, cfg, err)
		}
	}
	for _, path := range []string{"/", "dossier/prod", "/dossier//prod", "/a b", "/a/b/c/d/e/f/g/h/i/j/k/l/m", "/aws/x",
		"/SSM-x", "/" + strings.Repeat("x", 900), "//"} {
		fake := &parametersFake{}
		_, _, err := Load(t.Context(),
			Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=" + path, "DOSSIER_BUCKET=files"},
				Parameters: fake})
		if got := faults(t, err); len(got) != 1 || got[0].Name != "DOSSIER_PARAMETERS" ||
			got[0].Value != printable(path) || fake.asked != nil {
			t.Errorf("%s: got %v after asking for %v", path, err, fake.asked)
		}
	}
}
