//go:build unix

package web_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"dossier.example/app/catalog"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/objects"
	"dossier.example/app/people"
)

// What a form costs in requests to the real servers, and how many of them have to wait for one another. A step holds
// the requests that may be made at once: none of them is let through before all of them have come. So a request that
// waits for another one of its step makes the test fail, and there are no more waits than steps.
func TestRoundTrips(t *testing.T) {
	s, trips := openCounted(t)
	form := func(n int) form {
		f := ada.with()
		for i := range n {
			f.files = append(f.files, file{fmt.Sprintf("%d.txt", i), strings.Repeat(fmt.Sprint(i), 20_000)})
		}
		return f
	}
	first := form(1)
	s.mustAccept(s.submit(first), first) // connects

	one := [][]string{{"DynamoDB", "MySQL"}, {"DynamoDB"}, {"MySQL", "S3"}, {"DynamoDB"}, {"DynamoDB"}, {"MySQL"}}
	for n, steps := range map[int][][]string{1: one, 4: nil} {
		f := form(n)
		trips.expect(steps)
		a := s.submit(f)
		trips.rest()
		s.mustAccept(a, f)
		got, most := trips.count(), map[string]int{"DynamoDB": 4 + 3*(n-1), "MySQL": 3, "S3": n}
		if !maps.Equal(got, most) {
			t.Errorf("a form with %d small files makes the requests %v, want %v", n, got, most)
		}
		for i, step := range trips.steps() {
			if want := slices.Sorted(slices.Values(steps[i])); !slices.Equal(step, want) {
				t.Errorf("step %d of a form with %d small files has the requests %v, want %v", i+1, n, step, want)
			}
		}
	}
}

// What a file costs in writes of DynamoDB's table, of which docs/costs.md has the sum with those of the index.
func TestWrites(t *testing.T) {
	s, trips := openCounted(t)
	first := ada.with(file{"first.txt", "connects"})
	s.mustAccept(s.submit(first), first)
	receipt := s.register()
	for _, c := range []struct {
		name  string
		bytes int
		want  int
		send  func(content string)
	}{
		{"small, by the form", 20_000, 4, func(content string) {
			f := ada.with(file{"small.txt", content})
			s.mustAccept(s.submit(f), f)
		}},
		{"large, by the form", 200_000, 6, func(content string) {
			f := ada.with(file{"large.txt", content})
			s.mustAccept(s.submit(f), f)
		}},
		{"sent directly", 200_000, 6, func(content string) {
			s.storedDirectly(receipt, "direct.txt", []byte(content))
		}},
	} {
		content := strings.Repeat("a", c.bytes)
		trips.expect(nil)
		c.send(content)
		trips.rest()
		if trips.writes != c.want {
			t.Errorf("a file %s makes %d writes, want %d", c.name, trips.writes, c.want)
		}
	}
}

// openCounted opens a site over servers, all requests to which are counted.
func openCounted(t *testing.T) (*site, *trips) {
	cloud := teststores.Cloud(t)
	trips := &trips{t: t}
	counted := func(cfg aws.Config, store string) aws.Config {
		cfg.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
			switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
			case "", "GetItem", "Query", "Scan": // "" of S3
			default:
				trips.write()
			}
			trips.make(store)
			return http.DefaultClient.Do(r)
		})
		return cfg
	}
	// The app's own user must use TLS, behind which no request can be told from another.
	p, err := people.OpenMySQL(t.Context(), people.MySQLConfig{
		Host: "127.0.0.1", Port: mysqlProxy(t, cloud.MySQL, func() { trips.make("MySQL") }),
		Name: cloud.Database, User: cloud.MySQL.AdminUser, Password: cloud.MySQL.AdminPassword,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	o, err := objects.NewS3(counted(cloud.S3.Config(), "S3"), objects.S3Config{Bucket: cloud.Bucket, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.NewDynamoDB(counted(cloud.DynamoDB.Config(), "DynamoDB"), catalog.DynamoDBConfig{Table: cloud.Table})
	return open(t, setup{stores: &teststores.Stores{People: p, Catalog: c, Objects: o}}), trips
}

// trips counts requests and leads them through steps.
type trips struct {
	t  *testing.T
	mu sync.Mutex
	// on: requests are counted; plan: how many each step has, nil where they are let through as they come.
	on   bool
	plan [][]string
	made []string
	// writes are the requests that change an item of DynamoDB.
	writes int
	// came are the requests of the current step, and gate is closed when it is complete.
	came []string
	done [][]string
	gate chan struct{}
}

// expect begins to count.
func (r *trips) expect(plan [][]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on, r.plan, r.made, r.came, r.done, r.gate = true, plan, nil, nil, nil, make(chan struct{})
	r.writes = 0
}

// rest ends counting: what comes now is the test's own.
func (r *trips) rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = false
}

func (r *trips) count() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := map[string]int{}
	for _, store := range r.made {
		n[store]++
	}
	return n
}

func (r *trips) steps() [][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// write is called by a request that changes an item of DynamoDB.
func (r *trips) write() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on {
		r.writes++
	}
}

// make is called by a request before it is let through.
func (r *trips) make(store string) {
	r.mu.Lock()
	if !r.on {
		r.mu.Unlock()
		return
	}
	r.made = append(r.made, store)
	if len(r.done) == len(r.plan) { // or more than were planned, which their number shows
		r.mu.Unlock()
		return
	}
	r.came = append(r.came, store)
	gate, step := r.gate, len(r.done)
	if len(r.came) == len(r.plan[step]) {
		r.done, r.came, r.gate = append(r.done, slices.Sorted(slices.Values(r.came))), nil, make(chan struct{})
		close(gate)
	}
	r.mu.Unlock()
	select {
	case <-gate:
	case <-time.After(time.Minute):
		r.t.Errorf("step %d, of %v, is not complete: the rest waits for %s", step+1, r.plan[step], store)
		r.mu.Lock()
		r.plan = r.plan[:len(r.done)] // lets all others through
		r.mu.Unlock()
	case <-r.t.Context().Done():
	}
}

// mysqlProxy stands before a server and calls made for each command that the server has to answer. It returns its port.
func mysqlProxy(t *testing.T, to *servers.MySQL, made func()) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(to.Port)))
			if err != nil {
				t.Errorf("connect to the database: %v", err)
				_ = client.Close()
				return
			}
			go func() {
				_, _ = io.Copy(client, server)
				_ = client.Close()
			}()
			go func() {
				mysqlCommands(client, server, made)
				_ = server.Close()
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// mysqlCommands copies a client's packets
// (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html).
func mysqlCommands(client io.Reader, server io.Writer, made func()) {
	const quit, closeStatement = 0x01, 0x19 // have no answer
	in := bufio.NewReader(client)
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		packet := make([]byte, binary.LittleEndian.Uint32(append(head[:3:3], 0)))
		if _, err := io.ReadFull(in, packet); err != nil {
			return
		}
		// A command begins a sequence; what a client sends while it logs in goes on with the server's.
		if head[3] == 0 && len(packet) > 0 && packet[0] != quit && packet[0] != closeStatement {
			made()
		}
		if _, err := server.Write(append(head, packet...)); err != nil {
			return
		}
	}
}
