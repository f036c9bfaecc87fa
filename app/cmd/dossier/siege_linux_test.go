package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// siege is one run of TestSiege.
type siege struct {
	p    *process
	ctx  context.Context // ends with the attack
	done counts          // what the attackers were answered

	receipt  string // of a person of the attackers, with a file that is on its way
	path     string // of that file
	part     []byte
	signed   api.SignedPart
	archive  string // the address of an archive of many files
	cookie   string // that opens it
	attempts atomic.Int64
	read     atomic.Int64 // how many archives began to come
}

// Attackers of every kind at once, behind a few addresses, and honest people, of whom half sit behind the same
// addresses: the program lives, within its memory, and what the honest were told is stored is. "make soak" has 200
// attackers and 20 honest for long.
func TestSiege(t *testing.T) {
	servers.EndToEnd(t)
	attackers, honestOnes, networks, files := 35, 4, 3, 500
	lasts := 10 * time.Second
	if os.Getenv(chaosTimeVariable) != "" {
		attackers, honestOnes, networks, files = 200, 20, 8, 10_000
		lasts, _ = badTimes(t)
	}
	data := teststores.Migrated(t)
	held := emptyFiles(t, data, files).String()
	// The honest send without a pause, for more than a day's persons.
	p := besieged(t, 2*mostResident, "DOSSIER_DATA="+data, "DOSSIER_RATE_SIGNATURES=0", "DOSSIER_RATE_ANNOUNCEMENTS=0",
		"DOSSIER_MAX_DAY_PERSONS=0", "DOSSIER_MAX_DAY_FILES=0")
	s := &siege{p: p, archive: receiptPath(t, held) + "/files.zip", cookie: "dossier_receipt=" + held}
	s.prepare(t)
	var end context.CancelFunc
	s.ctx, end = context.WithTimeout(t.Context(), lasts)
	defer end()
	network := func(i int) string { return fmt.Sprintf("127.0.0.%d", 100+i%networks) }
	kinds := []func(client *http.Client, address string){
		s.largeBodies, s.stalledBody, s.tricklingForm, s.slowReader, s.samePart, s.stalledPart, s.wrongKeys,
	}
	var wg sync.WaitGroup
	for i := range attackers {
		address, attack := network(i), kinds[i/networks%len(kinds)]
		wg.Go(func() {
			client := clientAt(address)
			client.Timeout = time.Minute
			defer client.CloseIdleConnections()
			for s.ctx.Err() == nil {
				attack(client, address)
				s.attempts.Add(1)
			}
		})
	}
	var all []*honest
	for i := range honestOnes {
		address := fmt.Sprintf("127.0.1.%d", i+1)
		if i%2 == 0 {
			address = network(i / 2)
		}
		h := newHonest(p, address)
		all = append(all, h)
		wg.Go(func() {
			for n := 0; n == 0 || s.ctx.Err() == nil; n++ {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				err := errors.Join(h.submit(ctx, 20_000), h.register(ctx))
				cancel()
				if err != nil {
					t.Errorf("honest from %s: %v", address, err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d attacks by %d attackers; they were answered %v", s.attempts.Load(), attackers, s.done.of)
	if s.read.Load() == 0 {
		t.Error("nobody read an archive")
	}
	saturated := p.mustBeReady(t)
	t.Logf("saturated at the end: %t", saturated)
	for _, h := range all {
		h.tell(t)
		for _, receipt := range h.receipts {
			if status, page := get(t, p.base+"/receipt/"+receipt.String()); status != http.StatusOK ||
				!bytes.Contains(page, []byte("file-0.bin")) {
				t.Errorf("an acknowledged receipt answers %d", status)
			}
		}
	}
}

// prepare announces a file and has a part of it signed.
func (s *siege) prepare(t *testing.T) {
	t.Helper()
	c := &apiClient{base: s.p.base, http: clientAt(attacker)}
	s.receipt = register(t, c)
	s.path = "/files/" + dossier.NewFileID().String()
	const size = 1 << 20
	if err := c.ask(t.Context(), http.MethodPut, s.path, s.receipt, api.Announcement{Name: "a", Size: size},
		&api.File{}); err != nil {
		t.Fatal(err)
	}
	s.part = randomBytes(size)
	var signed api.SignedParts
	if err := c.ask(t.Context(), http.MethodPost, s.path+"/parts", s.receipt,
		api.PartsToSign{Parts: []api.Part{{Number: 1, Size: size, Crc64Nvme: crcText(s.part)}}}, &signed); err != nil {
		t.Fatal(err)
	}
	s.signed = signed.Parts[0]
}

// ask makes a request, and waits a little where it is refused: attackers have other things to do as well.
func (s *siege) ask(client *http.Client, method, target string, header http.Header, body io.Reader) {
	req, err := http.NewRequestWithContext(s.ctx, method, s.p.base+target, body)
	if err != nil {
		panic(err)
	}
	req.Header = header
	res, err := client.Do(req)
	if err != nil {
		s.done.add(0)
	} else {
		s.done.add(res.StatusCode)
		_ = res.Body.Close()
	}
	if err != nil || res.StatusCode >= 400 {
		s.pause(50 * time.Millisecond)
	}
}

func (s *siege) pause(d time.Duration) {
	select {
	case <-s.ctx.Done():
	case <-time.After(d):
	}
}

func (s *siege) largeBodies(client *http.Client, _ string) {
	body := strings.NewReader(`{"parts":[` + strings.Repeat(`{},`, (1<<20)/3-10) + `{}]}`)
	s.ask(client, http.MethodPost, api.Prefix+s.path+[]string{"/complete", "/parts"}[s.attempts.Load()%2],
		http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.receipt}},
		struct{ io.Reader }{body})
}

func (s *siege) samePart(client *http.Client, _ string) {
	header := http.Header{}
	for name, value := range s.signed.Headers {
		header.Set(name, value)
	}
	s.ask(client, http.MethodPut, s.signed.URL, header, bytes.NewReader(s.part))
}

func (s *siege) wrongKeys(client *http.Client, _ string) {
	s.ask(client, http.MethodPost, "/staff/sign-in", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		strings.NewReader(url.Values{"key": {"not this one"}}.Encode()))
	s.ask(client, http.MethodHead, s.archive, http.Header{"Cookie": {s.cookie}}, nil)
}

// dial connects from an address; nil where that fails.
func (s *siege) dial(address string) net.Conn {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := dialer.DialContext(s.ctx, "tcp", strings.TrimPrefix(s.p.base, "http://"))
	if err != nil {
		s.pause(50 * time.Millisecond)
		return nil
	}
	return conn
}

// hold sends the beginning of a request, then a byte from time to time, until the server has had enough.
func (s *siege) hold(address, head string, begin []byte) {
	conn := s.dial(address)
	if conn == nil {
		return
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write(slices.Concat([]byte(head+"\r\nHost: x\r\n\r\n"), begin)); err != nil {
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = conn.Read(make([]byte, 1)) // an answer, or the end
	}()
	for {
		select {
		case <-gone:
			s.pause(50 * time.Millisecond)
			return
		case <-s.ctx.Done():
			return
		case <-time.After(time.Second):
			_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := conn.Write([]byte("a")); err != nil {
				return
			}
		}
	}
}

func (s *siege) stalledBody(_ *http.Client, address string) {
	s.hold(address, "POST "+api.Prefix+"/people HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 5000",
		[]byte(`{"name":"`))
}

func (s *siege) tricklingForm(_ *http.Client, address string) {
	begin, _, contentType, err := formAround(dossier.NewReceipt())
	if err != nil {
		panic(err)
	}
	s.hold(address, "POST /submissions HTTP/1.1\r\nContent-Type: "+contentType+"\r\nContent-Length: 50000000",
		slices.Concat([]byte(begin), make([]byte, 100_000)))
}

func (s *siege) stalledPart(_ *http.Client, address string) {
	s.hold(address, fmt.Sprintf("PUT %s HTTP/1.1\r\nContent-Length: %d", s.signed.URL, len(s.part)), s.part[:1000])
}

// slowReader asks for an archive and reads next to nothing of it.
func (s *siege) slowReader(_ *http.Client, address string) {
	conn := s.dial(address)
	if conn == nil {
		return
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n", s.archive,
		s.cookie); err != nil {
		return
	}
	first := make([]byte, 12)
	if _, err := io.ReadFull(conn, first); err != nil || string(first) != "HTTP/1.1 200" {
		s.pause(50 * time.Millisecond)
		return
	}
	s.read.Add(1)
	for s.ctx.Err() == nil {
		s.pause(time.Second)
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			return
		}
	}
}
