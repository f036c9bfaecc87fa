package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/web"
)

// random returns bytes that look like no others, the same ones for each length.
func random(n int64) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// inParts returns so many bytes that they go in two whole parts and a bit. They are not to be changed.
var inParts = sync.OnceValue(func() []byte { return random(2*dossier.PartSize(1) + 1234) })

func TestAPISend(t *testing.T) {
	t.Parallel()
	everywhere(t, setup{}, func(s *site) {
		tests := []struct {
			name string
			data []byte
		}{
			{"empty", nil},
			{"one byte", random(1)},
			{"exactly one part", random(dossier.PartSize(1))},
			{"one part and a byte", random(dossier.PartSize(1) + 1)},
			{"three parts", inParts()},
		}
		receipt := s.register()
		var all []file
		for _, test := range tests {
			s.t.Run(test.name, func(t *testing.T) {
				s := s.in(t)
				name := test.name + " of ada.bin"
				u := s.announce(receipt, name, test.data)
				if u.file.State != api.Uploading || u.file.Name != name || *u.file.Size != int64(len(test.data)) ||
					u.file.Content != nil {
					t.Errorf("the announced file is %+v", u.file)
				}
				if want := max(1,
					(int64(len(test.data))+*u.file.PartSize-1) / *u.file.PartSize); int64(*u.file.PartCount) != want {
					t.Errorf("%d bytes go in %d parts of %d, want %d", len(test.data), *u.file.PartCount,
						*u.file.PartSize, want)
				}
				u.mustHaveParts()
				u.sendAll()
				u.mustHaveParts(slices.Collect(numbers(*u.file.PartCount))...)
				f := u.complete()
				if f.ID != u.file.ID {
					t.Errorf("completed as %s, announced as %s", f.ID, u.file.ID)
				}
				u.mustHaveParts()
				all = append(all, file{name, string(test.data)})
			})
		}
		s.mustBeStored(receipt, all...)
		var r api.Receipt
		s.ask(call{path: "/receipt", receipt: receipt}, &r)
		if r.Person.Name != ada.name || r.Person.State != api.Submitted || len(r.Files) != len(all) {
			s.t.Errorf("the receipt has %+v and %d files", r.Person, len(r.Files))
		}
		s.reconcile()
		s.mustHold(held{people: 1, records: len(all), objects: len(all)})
		page := s.get("/receipt/" + receipt)
		page.must(s.t, http.StatusOK, "Received, thank you", ada.name)
		if stored, missing := page.told(s.t); len(stored) != len(all) || len(missing) != 0 {
			s.t.Errorf("the receipt's page tells %q as stored and %q as missing", stored, missing)
		}
	})
}

func numbers(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := 1; i <= n && yield(i); i++ {
		}
	}
}

// Every order of things that leaves the file whole.
func TestAPISendUnevenly(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		receipt := s.register()
		var all []file
		for _, test := range []struct {
			name string
			send func(u *upload)
		}{
			{"out of order", func(u *upload) {
				signed := u.sign(3, 1, 2)
				for _, p := range signed {
					u.s.mustSend(p, u.bytesOf(p.Number))
				}
			}},
			{"a part sent twice", func(u *upload) {
				p := u.sign(2)[0]
				u.s.mustSend(p, u.bytesOf(2))
				u.s.mustSend(p, u.bytesOf(2))
				u.mustHaveParts(2)
				for _, p := range u.sign(1, 2, 3) {
					u.s.mustSend(p, u.bytesOf(p.Number))
				}
			}},
			{"all at once", func(u *upload) {
				var wg sync.WaitGroup
				errs := make([]error, 3)
				for i, p := range u.sign(1, 2, 3) {
					wg.Go(func() {
						status, err := u.s.trySend(p, u.bytesOf(p.Number), 0)
						if err == nil && !sent(status) {
							err = fmt.Errorf("status %d", status)
						}
						errs[i] = err
					})
				}
				wg.Wait()
				if err := errors.Join(errs...); err != nil {
					u.s.t.Error(err)
				}
			}},
			{"going on after a break", func(u *upload) {
				u.s.mustSend(u.sign(1)[0], u.bytesOf(1))
				// The same announcement, as of a client that has forgotten all but the id.
				if again := u.announceAs(u.file.Name, int64(len(u.data))); again.ID != u.file.ID ||
					*again.PartSize != *u.file.PartSize {
					u.s.t.Errorf("announced again it is %+v, was %+v", again, u.file)
				}
				u.mustHaveParts(1)
				for _, p := range u.sign(2, 3) {
					u.s.mustSend(p, u.bytesOf(p.Number))
				}
			}},
			{"a wrong part sent anew", func(u *upload) {
				wrong := random(*u.file.PartSize)
				wrong[0]++
				var out api.SignedParts
				u.s.ask(call{method: "POST", path: u.path + "/parts", receipt: u.receipt,
					body: api.PartsToSign{Parts: []api.Part{
						{Number: 1, Size: int64(len(wrong)), Crc64Nvme: crc64Of(wrong)},
					}}}, &out)
				u.s.mustSend(out.Parts[0], wrong)
				for _, p := range u.sign(2, 3) {
					u.s.mustSend(p, u.bytesOf(p.Number))
				}
				c := u.completion()
				c.status, c.code = 422, dossier.CodeCorrupt
				u.s.ask(c, nil)
				u.s.mustSend(u.sign(1)[0], u.bytesOf(1))
			}},
		} {
			s.t.Run(test.name, func(t *testing.T) {
				s := s.in(t)
				data := slices.Clone(inParts())
				data[len(data)-1] = byte(len(all))
				u := s.announce(receipt, test.name+" by ada.bin", data)
				test.send(u)
				u.complete()
				all = append(all, file{u.file.Name, string(data)})
			})
		}
		s.mustBeStored(receipt, all...)
		s.reconcile()
		s.mustHold(held{people: 1, records: len(all), objects: len(all)})
	})
}

// mustSend sends a part that the store takes.
func (s *site) mustSend(p api.SignedPart, data []byte) {
	s.t.Helper()
	if status := s.send(p, data); !sent(status) {
		s.t.Fatalf("part %d: the store answers %d", p.Number, status)
	}
}

// Whatever is sent by a signed request that is not what was signed, the store refuses it and keeps nothing of it.
func TestAPIStoreRefuses(t *testing.T) {
	t.Parallel()
	everywhere(t, setup{}, func(s *site) {
		receipt := s.register()
		query := func(p api.SignedPart, change func(url.Values)) api.SignedPart {
			u, err := url.Parse(p.URL)
			if err != nil {
				s.t.Fatal(err)
			}
			q := u.Query()
			change(q)
			u.RawQuery = q.Encode()
			p.URL = u.String()
			return p
		}
		for i, test := range []struct {
			name   string
			change changedPart
		}{
			{"a byte more", func(p, _ api.SignedPart, data []byte) (api.SignedPart, []byte) {
				return p, append(data, 'x')
			}},
			{"a byte less", func(p, _ api.SignedPart, data []byte) (api.SignedPart, []byte) {
				return p, data[:len(data)-1]
			}},
			{"nothing", func(p, _ api.SignedPart, _ []byte) (api.SignedPart, []byte) { return p, nil }},
			{"a bit changed", func(p, _ api.SignedPart, data []byte) (api.SignedPart, []byte) {
				data[len(data)/2] ^= 1
				return p, data
			}},
			{"another checksum in the header, and bytes to fit",
				func(p, _ api.SignedPart, data []byte) (api.SignedPart, []byte) {
					data[0] ^= 1
					p.Headers["X-Amz-Checksum-Crc64nvme"] = crc64Of(data)
					return p, data
				}},
			{"another number in the address", func(p, _ api.SignedPart, data []byte) (api.SignedPart, []byte) {
				if strings.Contains(p.URL, "partNumber=1") {
					return query(p, func(q url.Values) { q.Set("partNumber", "2") }), data
				}
				p.URL = strings.Replace(p.URL, "/parts/1?", "/parts/2?", 1)
				return p, data
			}},
			{"another file's address with this signature",
				func(p, other api.SignedPart, data []byte) (api.SignedPart, []byte) {
					_, signature, _ := strings.Cut(p.URL, "?")
					to, _, _ := strings.Cut(other.URL, "?")
					p.URL = to + "?" + signature
					return p, data
				}},
			{"without a signature", func(p, _ api.SignedPart, data []byte) (api.SignedPart, []byte) {
				p.URL, _, _ = strings.Cut(p.URL, "?")
				return p, data
			}},
			{"another signature", func(p, _ api.SignedPart, data []byte) (api.SignedPart, []byte) {
				return query(p, func(q url.Values) {
					for name := range q {
						if strings.Contains(strings.ToLower(name), "signature") {
							q.Set(name, "0"+strings.Repeat("f", len(q.Get(name))-1))
						}
					}
				}), data
			}},
		} {
			s.t.Run(test.name, func(t *testing.T) {
				s := s.in(t)
				u := s.refuses(receipt, random(dossier.PartSize(1)+100+int64(i)), test.change)
				// What was meant can still be sent.
				if i == 0 {
					u.sendAll()
					u.complete()
				}
			})
		}
	})
}

// changedPart returns what is sent instead of part 1 of two, which is p; other is that of another file.
type changedPart = func(p, other api.SignedPart, data []byte) (api.SignedPart, []byte)

// refuses checks that the store refuses what change makes of the first part of a file, and returns the file.
func (s *site) refuses(receipt string, data []byte, change changedPart) *upload {
	s.t.Helper()
	u, other := s.announce(receipt, fmt.Sprintf("first %d.bin", len(data)), data),
		s.announce(receipt, fmt.Sprintf("second %d.bin", len(data)), data)
	p, body := change(u.sign(1)[0], other.sign(1)[0], slices.Clone(u.bytesOf(1)))
	status, err := s.trySend(p, body, 0)
	if err == nil && (status < 400 || status >= 500) {
		s.t.Errorf("the store answers %d", status)
	}
	u.mustHaveParts()
	other.mustHaveParts()
	c := u.completion()
	c.status, c.code = 409, dossier.CodeIncomplete
	s.ask(c, nil)
	return u
}

// A signed request that is sent too late is refused, too.
func TestAPIStoreRefusesLate(t *testing.T) {
	t.Parallel()
	everywhere(t, setup{web: web.Options{SignatureLifetime: time.Second}}, func(s *site) {
		s.refuses(s.register(), random(dossier.PartSize(1)+100),
			func(p, _ api.SignedPart, data []byte) (api.SignedPart, []byte) {
				for !time.Now().After(p.ExpiresAt.Add(time.Second)) {
					time.Sleep(50 * time.Millisecond)
				}
				return p, data
			})
	})
}

// What the API refuses of a file on its way, and that nothing comes of it.
func TestAPIFileRefusals(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		receipt := s.register()
		data := random(dossier.PartSize(1) + 10)
		fresh := func(s *site) *upload { return s.announce(receipt, "letter of ada.bin", data) }
		sign := func(u *upload, parts ...api.Part) call {
			return call{method: "POST", path: u.path + "/parts", receipt: receipt, body: api.PartsToSign{Parts: parts},
				status: 422, code: dossier.CodeInvalid}
		}
		with := func(p api.Part, change func(*api.Part)) api.Part {
			change(&p)
			return p
		}
		for _, test := range []struct {
			name string
			do   func(u *upload) []call
		}{
			{"part numbers that the file has not", func(u *upload) []call {
				p := u.partOf(1)
				several := sign(u, p, with(p, func(p *api.Part) { p.Number = 4 }),
					with(p, func(p *api.Part) { p.Size = 1 }))
				several.has = []string{`"pointer":"#/parts/1/number"`, `"pointer":"#/parts/2/size"`}
				return []call{several,
					sign(u, with(p, func(p *api.Part) { p.Number = 0 })), sign(u, with(p, func(p *api.Part) {
						p.Number = -1
					})),
					sign(u, with(u.partOf(2), func(p *api.Part) { p.Number = 3 })), sign(u, with(p, func(p *api.Part) {
						p.Number = 10_001
					})),
					sign(u, u.partOf(1), with(p, func(p *api.Part) { p.Number = 1 << 40 })),
				}
			}},
			{"part sizes that are not those announced", func(u *upload) []call {
				return []call{
					sign(u, with(u.partOf(1), func(p *api.Part) { p.Size-- })),
					sign(u, with(u.partOf(1), func(p *api.Part) { p.Size++ })),
					sign(u, with(u.partOf(2), func(p *api.Part) { p.Size++ })),
					sign(u, with(u.partOf(2), func(p *api.Part) { p.Size = -1 })),
					sign(u, with(u.partOf(2), func(p *api.Part) { p.Size = 0 })),
					sign(u, with(u.partOf(1), func(p *api.Part) { p.Size = 1 << 62 })),
				}
			}},
			{"checksums that are none", func(u *upload) []call {
				var calls []call
				for _, crc := range []string{"", "x", "AAAAAAAAAAA", "AAAAAAAAAAB=", "AAAAAAAAAAA=\n", "AAAAAAAAAAAA",
					"_-AAAAAAAAA=", strings.Repeat("A", 44)} {
					c := sign(u, with(u.partOf(1), func(p *api.Part) { p.Crc64Nvme = crc }))
					c.has = []string{`"pointer":"#/parts/0/crc64nvme"`}
					calls = append(calls, c)
				}
				return calls
			}},
			{"no part, and too many", func(u *upload) []call {
				none, many := sign(u), sign(u, slices.Repeat([]api.Part{u.partOf(1)}, 101)...)
				none.body = `{"parts":[]}`
				return []call{none, many}
			}},
			{"complete with parts missing", func(u *upload) []call {
				c := u.completion()
				c.status, c.code = 409, dossier.CodeIncomplete
				u.s.ask(c, nil)
				u.s.mustSend(u.sign(2)[0], u.bytesOf(2))
				return []call{c}
			}},
			{"complete with another checksum", func(u *upload) []call {
				u.sendAll()
				sums := u.sums()
				sums.Crc64Nvme = crc64Of([]byte("x"))
				return []call{{method: "POST", path: u.path + "/complete", receipt: receipt, body: sums, status: 422,
					code: dossier.CodeCorrupt}}
			}},
			{"complete with checksums that are none", func(u *upload) []call {
				u.sendAll()
				var calls []call
				for _, sha := range []string{"", "x", strings.Repeat("a", 63), strings.Repeat("A", 64),
					strings.Repeat("g", 64)} {
					sums := u.sums()
					sums.Sha256 = sha
					calls = append(calls, call{method: "POST", path: u.path + "/complete", receipt: receipt, body: sums,
						status: 422, code: dossier.CodeInvalid, has: []string{`"pointer":"#/sha256"`}})
				}
				sums := u.sums()
				sums.Crc64Nvme = "?"
				return append(calls, call{method: "POST", path: u.path + "/complete", receipt: receipt, body: sums,
					status: 422, code: dossier.CodeInvalid, has: []string{`"pointer":"#/crc64nvme"`}})
			}},
			{"the id announced as something else", func(u *upload) []call {
				announce := func(name string, size int) call {
					return call{method: "PUT", path: u.path, receipt: receipt,
						body: api.Announcement{Name: name, Size: int64(size)}, status: 409, code: dossier.CodeConflict}
				}
				return []call{announce(u.file.Name, len(data)+1), announce("other "+u.file.Name, len(data))}
			}},
			{"given up, then all else", func(u *upload) []call {
				p := u.sign(1)[0]
				u.s.mustSend(p, u.bytesOf(1))
				u.s.ask(call{method: "DELETE", path: u.path, receipt: receipt, status: 204}, nil)
				u.s.ask(call{method: "DELETE", path: u.path, receipt: receipt, status: 204}, nil)
				if status := u.s.send(p, u.bytesOf(1)); status != 404 {
					u.s.t.Errorf("a part of a file that was given up: the store answers %d", status)
				}
				c := u.completion()
				c.status, c.code = 404, dossier.CodeNotFound
				signs := sign(u, u.partOf(1))
				signs.status, signs.code = 404, dossier.CodeNotFound
				return []call{c, signs, {path: u.path, receipt: receipt, status: 404, code: dossier.CodeNotFound}}
			}},
			{"another person's receipt", func(u *upload) []call {
				u.sendAll()
				other := u.s.register()
				sums, parts := u.sums(), api.PartsToSign{Parts: []api.Part{u.partOf(1)}}
				// Who gives up what is not there for them has nothing to give up, and nothing happens.
				u.s.ask(call{method: "DELETE", path: u.path, receipt: other, status: 204}, nil)
				u.mustHaveParts(1, 2)
				return []call{
					{path: u.path, receipt: other, status: 404, code: dossier.CodeNotFound},
					{method: "POST", path: u.path + "/complete", receipt: other, body: sums, status: 404,
						code: dossier.CodeNotFound},
					{method: "POST", path: u.path + "/parts", receipt: other, body: parts, status: 404,
						code: dossier.CodeNotFound},
				}
			}},
		} {
			s.t.Run(test.name, func(t *testing.T) {
				u := fresh(s.in(t))
				for i, c := range test.do(u) {
					c.name = fmt.Sprintf("%s, %d", test.name, i)
					u.s.ask(c, nil)
				}
				u.s.ask(call{method: "DELETE", path: u.path, receipt: receipt, status: 204}, nil)
			})
		}
		s.mustBeStored(receipt)
		s.reconcile()
		s.mustHold(held{people: 2})
	})
}

// A file that is stored stays as it is.
func TestAPIStored(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		receipt := s.register()
		data := random(5000)
		u := s.announce(receipt, "letter of ada.bin", data)
		p := u.sign(1)[0]
		u.sendAll()
		first := u.complete()
		if again := u.complete(); again.ID != first.ID || !again.UpdatedAt.Equal(first.UpdatedAt) {
			s.t.Errorf("completed again it is %+v, was %+v", again, first)
		}
		if again := u.announceAs(u.file.Name, 5000); again.State != api.Stored {
			s.t.Errorf("announced again it is %+v", again)
		}
		if status := s.send(p, data); status != 404 {
			s.t.Errorf("a part of a stored file: the store answers %d", status)
		}
		other := u.sums()
		other.Sha256 = strings.Repeat("0", 64)
		for _, c := range []call{
			{name: "give up", method: "DELETE", path: u.path, receipt: receipt, status: 409, code: dossier.CodeLost},
			{name: "sign", method: "POST", path: u.path + "/parts", receipt: receipt,
				body: api.PartsToSign{Parts: []api.Part{u.partOf(1)}}, status: 409, code: dossier.CodeLost},
			{name: "complete with other checksums", method: "POST", path: u.path + "/complete", receipt: receipt,
				body: other, status: 422, code: dossier.CodeCorrupt},
		} {
			s.ask(c, nil)
		}
		// The same file under another id becomes the one that is there.
		twin := s.announce(receipt, u.file.Name, data)
		twin.sendAll()
		if f := twin.complete(); f.ID != first.ID {
			s.t.Errorf("the same file again is %s, want %s", f.ID, first.ID)
		}
		s.ask(call{path: twin.path, receipt: receipt, status: 404, code: dossier.CodeNotFound}, nil)
		s.mustBeStored(receipt, file{u.file.Name, string(data)})
		s.reconcile()
		s.mustHold(held{people: 1, records: 1, objects: 1})
	})
}

// Many complete one file at the same moment, by two servers; others give it up. All agree on what became of it.
func TestAPICompleteAtOnce(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		receipt := s.register()
		var kept []file
		for _, test := range []struct {
			name    string
			giveUps int
		}{{"complete alone", 0}, {"complete and give up", 2}} {
			for round := range 5 {
				s.t.Run(fmt.Sprintf("%s %d", test.name, round), func(t *testing.T) {
					s := s.in(t)
					data := random(int64(3000 + 100*test.giveUps + round))
					u := s.announce(receipt, fmt.Sprintf("letter of ada %d.bin", len(data)), data)
					u.sendAll()
					type result struct {
						give   bool
						status int
						body   string
					}
					results := make(chan result, 10)
					text, err := json.Marshal(u.sums())
					if err != nil {
						t.Fatal(err)
					}
					ask := func(give bool) {
						method, path, body := "POST", u.path+"/complete", string(text)
						if give {
							method, path, body = "DELETE", u.path, ""
						}
						req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.addr+api.Prefix+path,
							strings.NewReader(body))
						if err != nil {
							panic(err)
						}
						req.Header.Set("Authorization", "Bearer "+receipt)
						req.Header.Set("Content-Type", "application/json")
						res, err := s.client.Do(req)
						if err != nil {
							results <- result{give, 0, err.Error()}
							return
						}
						a := s.read(res)
						results <- result{give, a.status, a.body}
					}
					var wg sync.WaitGroup
					for range 4 {
						wg.Go(func() { ask(false) })
					}
					for range test.giveUps {
						wg.Go(func() { ask(true) })
					}
					wg.Wait()
					close(results)
					stored, gone := 0, 0
					for r := range results {
						switch {
						case !r.give && r.status == 200 && strings.Contains(r.body, `"state":"stored"`) &&
							strings.Contains(r.body, u.file.ID):
							stored++
						case r.give && r.status == 204:
							gone++
						case r.give && r.status == 409:
						case !r.give && test.giveUps > 0 && (r.status == 404 || r.status == 409):
						default:
							t.Errorf("give up %t: %d %s", r.give, r.status, r.body)
						}
					}
					if stored > 0 && gone > 0 || stored+gone == 0 || test.giveUps == 0 && stored != 4 {
						t.Errorf("%d were told that it is stored, %d that it is gone", stored, gone)
					}
					if stored > 0 {
						kept = append(kept, file{u.file.Name, string(data)})
					}
				})
			}
		}
		s.mustBeStored(receipt, kept...)
		s.reconcile()
		s.mustHold(held{people: 1, records: len(kept), objects: len(kept)})
	})
}
