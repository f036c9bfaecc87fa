package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dossier.example/app/bounds"
)

// A form that arrives at less than the least rate is refused with 408; without such a rate it is taken.
func TestFormRate(t *testing.T) {
	t.Parallel()
	for rate, want := range map[int]int{0: http.StatusBadRequest, 1 << 30: http.StatusRequestTimeout} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(o *Options) {
				o.Bounds = bounds.Default()
				o.Bounds.FormRate = rate
			})
			s.server.formWindow = time.Nanosecond
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "POST /submissions HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"+
				"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
			r := bufio.NewReader(c)
			if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
				t.Fatal(line, err)
			}
			_, _ = r.ReadString('\n')
			// The server waits for this byte much longer than a byte takes at a gigabyte a second.
			_, _ = io.WriteString(c, "-")
			_ = c.(*net.TCPConn).CloseWrite()
			res, err := http.ReadResponse(r, nil)
			if err != nil || res.StatusCode != want {
				t.Fatalf("%v, %v; want %d", res, err, want)
			}
			res.Body.Close()
		})
	}
}
