package main

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/people"
)

// requests counts what passes to a server, by kinds.
type requests struct {
	mu   sync.Mutex
	made map[string]int
}

// before returns the address of a proxy that counts requests to a server. It keeps the Host that was signed.
func (r *requests) before(t *testing.T, endpoint string, kind func(*http.Request) string) string {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		p.Out.Host = p.In.Host
	}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.made[kind(req)]++
		r.mu.Unlock()
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// statements returns how many statements the database was sent, by all its clients.
func statements(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	var name string
	if err := db.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What a sweep asks of the cloud's stores is what docs/scale.md computes its time and its cost from, so none is added
// unseen. Nothing else may use the database meanwhile, so the test is not parallel.
func TestSweepRequests(t *testing.T) {
	servers.EndToEnd(t)
	const few, many = 40, 240
	cloud := teststores.Cloud(t)
	stores := cloud.Stores(t)
	svc := dossier.New(stores.People, stores.Catalog, stores.Objects, dossier.Options{})
	db, err := people.ConnectMySQL(t.Context(), people.MySQLConfig{Host: cloud.MySQL.Host, Port: cloud.MySQL.Port,
		Name: cloud.Database, User: cloud.User, Password: cloud.Password, TLS: true, CAFile: cloud.MySQL.CAFile})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })

	// sweep returns what one more sweep asked for, by "store request".
	sweep := func() map[string]int {
		r := &requests{made: map[string]int{}}
		env := append(cloud.Environ(),
			"AWS_ENDPOINT_URL_S3="+r.before(t, cloud.S3.Endpoint, func(req *http.Request) string {
				return "S3 " + req.Method + " " + req.URL.Query().Get("list-type")
			}),
			"AWS_ENDPOINT_URL_DYNAMODB="+r.before(t, cloud.DynamoDB.Endpoint, func(req *http.Request) string {
				_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
				return "DynamoDB " + operation
			}))
		before := statements(t, db)
		status, out, errs := runBinary(t, env, "reconcile", "--json")
		r.made["MySQL statements"] = statements(t, db) - before
		if status != 0 {
			t.Fatalf("reconcile: exit status %d: %s%s", status, out, errs)
		}
		return r.made
	}
	add := func(n int) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range n / 8 {
					if err := submitWithThumbnail(t.Context(), svc, stores.Objects); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	add(few)
	first := sweep()
	add(many - few)
	second := sweep()

	// A sweep asks for each person who has a file and a thumbnail:
	each := map[string]int{
		"DynamoDB Query":   3, // by the walks of objects, thumbnails and words
		"MySQL statements": 2, // the person, and the words
	}
	page, err := os.ReadFile("../../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	if says := fmt.Sprintf("**%d queries of DynamoDB and %d statements of MySQL for each person**", each["DynamoDB Query"],
		each["MySQL statements"]); !strings.Contains(string(page), says) {
		t.Errorf("docs/scale.md does not say %q", says)
	}
	// and as much for any number up to these, but for what is counted per page:
	for _, what := range slices.Sorted(maps.Keys(second)) {
		got, want := second[what]-first[what], each[what]*(many-few)
		// Besides: pages of 100 people and 500 items, and the notes of the sweep's progress.
		if got < want-2 || got > want+40 {
			t.Errorf("%s: %d with %d people, %d with %d: %d for each and %d besides; want %d for each", what, first[what],
				few, second[what], many, got/(many-few), got%(many-few), each[what])
		}
	}
	t.Logf("with %d people: %v; with %d: %v", few, first, many, second)
}

// submitWithThumbnail stores a person with one file that has a thumbnail.
func submitWithThumbnail(ctx context.Context, svc *dossier.Service, objects dossier.Objects) error {
	sub, err := svc.Begin(ctx, dossier.NewReceipt(), dossier.Details{Name: "Grace Hopper", Location: "Arlington", Age: 85,
		Technology: "COBOL"})
	if err != nil {
		return err
	}
	defer sub.Abandon(ctx)
	if err := sub.AddFile(ctx, "photo.txt", strings.NewReader("content")); err != nil {
		return err
	}
	if err := sub.Acknowledge(ctx); err != nil {
		return err
	}
	outcomes := sub.Outcomes()
	if len(outcomes) != 1 || outcomes[0].File == nil {
		return fmt.Errorf("the file was not stored: %+v", outcomes)
	}
	f := outcomes[0].File
	return objects.PutThumbnail(ctx, f.Person, f.ID, []byte("thumbnail"))
}
