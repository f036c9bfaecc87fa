package userdata

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dossier.example/infra/internal/testservers"
)

// network is another host's, beside a machine: a process that does nothing but hold it.
type network struct{ pid int }

// newNetwork makes a host with one cable to the machine.
func newNetwork(t *testing.T, m *machine, there, address, here, hereAddress string) *network {
	t.Helper()
	cmd := exec.Command("sleep", "infinity")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	n := &network{cmd.Process.Pid}
	// One end here, the other there.
	cable(t, m.pid, "link", "add", here, "type", "veth", "peer", "name", there, "netns", strconv.Itoa(n.pid))
	for _, c := range []struct {
		pid           int
		name, address string
	}{{m.pid, here, hereAddress}, {n.pid, there, address}} {
		cable(t, c.pid, "address", "add", c.address, "dev", c.name)
		cable(t, c.pid, "link", "set", c.name, "up")
	}
	cable(t, n.pid, "link", "set", "lo", "up")
	return n
}

// cable runs ip in the network of a process.
func cable(t *testing.T, pid int, args ...string) {
	t.Helper()
	args = append([]string{"--target=" + strconv.Itoa(pid), "--net", "ip"}, args...)
	if out, err := exec.CommandContext(t.Context(), "nsenter", args...).CombinedOutput(); err != nil {
		t.Fatalf("nsenter %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// lay lays the machine's cables: to the internet, where the default route goes, and to a host of the VPC. On EC2 both
// go through one interface and the VPC's router; here the router is missing, so there are two.
func lay(t *testing.T, m *machine) (inside, outside *network) {
	t.Helper()
	outside = newNetwork(t, m, "eth0", "198.51.100.9/24", "ens5", "198.51.100.1/24")
	inside = newNetwork(t, m, "eth0", "10.20.128.7/24", "ens6", "10.20.128.1/24")
	cable(t, m.pid, "route", "add", "default", "via", "198.51.100.9")
	cable(t, inside.pid, "route", "add", "default", "via", "10.20.128.1")
	// The internet has no way to private addresses, but this test's would, to see whether one is let in.
	cable(t, outside.pid, "route", "add", "10.20.0.0/16", "via", "198.51.100.1")
	return inside, outside
}

// reach connects from one network to an address that another listens on, and returns whom the listener sees.
func reach(ctx context.Context, from, to int, address string) (seen string, err error) {
	l, err := listenIn(to, address)
	if err != nil {
		return "", err
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := dialIn(ctx, from, address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		return "", err
	}
	defer peer.Close()
	host, _, err := net.SplitHostPort(peer.RemoteAddr().String())
	return host, err
}

func TestNATInstance(t *testing.T) {
	t.Parallel()
	require(t, "nft", "sysctl", "sleep")
	m := newHost(t, nanoMemory)
	nft, err := exec.LookPath("nft")
	if err != nil || nft != "/usr/sbin/nft" {
		testservers.Missing(t, fmt.Sprintf("nft is not installed at /usr/sbin/nft, but at %s", nft))
	}
	m.run("mv", nft, "/usr/lib/hidden-nft")
	inside, outside := lay(t, m)
	if seen, err := reach(t.Context(), inside.pid, outside.pid, "198.51.100.9:80"); err == nil {
		t.Fatalf("the host of the VPC reached the internet before there was a NAT, as %s", seen)
	}
	script, err := devNAT().UserData()
	if err != nil {
		t.Fatal(err)
	}
	r := m.boot(script)
	t.Logf("user-data, status %d:\n%s", r.status, r.output)
	if r.status != 0 {
		t.Fatal(r.last())
	}

	works := func(t *testing.T) {
		t.Helper()
		if seen, err := reach(t.Context(), inside.pid, outside.pid, "198.51.100.9:80"); err != nil || seen != "198.51.100.1" {
			t.Errorf("the internet sees the host of the VPC as %q, want the NAT's address; %v", seen, err)
		}
		if seen, err := reach(t.Context(), outside.pid, inside.pid, "10.20.128.7:80"); err == nil {
			t.Errorf("the internet reaches a host of the VPC, as %s", seen)
		}
		for _, setting := range []string{"net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.ens5.send_redirects=0"} {
			name, want, _ := strings.Cut(setting, "=")
			if got := strings.TrimSpace(m.run("sysctl", "--values", name)); got != want {
				t.Errorf("%s = %s, want %s", name, got, want)
			}
		}
	}
	m.step("addresses are translated", works)
	m.step("the unit is sound", func(t *testing.T) {
		if out := m.run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/dossier-nat.service"); out != "" {
			t.Errorf("systemd-analyze verify says:\n%s", out)
		}
	})
	m.step("only the VPC's addresses are forwarded", func(t *testing.T) {
		cable(t, inside.pid, "address", "add", "192.168.7.7/32", "dev", "eth0")
		cable(t, inside.pid, "route", "replace", "default", "via", "10.20.128.1", "src", "192.168.7.7")
		cable(t, m.pid, "route", "add", "192.168.7.7/32", "dev", "ens6")
		if seen, err := reach(t.Context(), inside.pid, outside.pid, "198.51.100.9:80"); err == nil {
			t.Errorf("a foreign address was forwarded, as %s", seen)
		}
		cable(t, inside.pid, "route", "replace", "default", "via", "10.20.128.1")
		cable(t, inside.pid, "address", "del", "192.168.7.7/32", "dev", "eth0")
	})
	m.step("a second run changes nothing", func(t *testing.T) {
		before, rules := m.state(), m.run("nft", "list", "ruleset")
		if r := m.boot(script); r.status != 0 {
			t.Fatal(r.last())
		}
		if after := m.state(); !slices.Equal(after, before) {
			t.Errorf("files changed:\n%s", difference(before, after))
		}
		if got := m.run("nft", "list", "ruleset"); got != rules {
			t.Errorf("rules were\n%s\nand are\n%s", rules, got)
		}
		if got := strings.Count(m.read("/var/log/dnf"), "\n"); got != 1 {
			t.Errorf("dnf ran %d times", got)
		}
		works(t)
	})
	m.step("after a reboot it works again", func(t *testing.T) {
		m.stop()
		m.start()
		inside, outside = lay(t, m)
		within(t, "loading the rules", func() error {
			if got := m.property("dossier-nat.service", "ActiveState"); got != "active" {
				return fmt.Errorf("dossier-nat.service is %s", got)
			}
			return nil
		})
		works(t)
	})
}

// A mirror that is down for a moment is waited for.
func TestNATInstanceRetries(t *testing.T) {
	t.Parallel()
	require(t, "nft")
	m := newHost(t, smallMemory)
	m.run("mv", "/usr/sbin/nft", "/usr/lib/hidden-nft")
	m.write("/etc/dnf-is-broken", 0o644, "once")
	lay(t, m)
	script, err := devNAT().UserData()
	if err != nil {
		t.Fatal(err)
	}
	if r := m.boot(script); r.status != 0 {
		t.Errorf("status %d:\n%s", r.status, r.output)
	}
	if got := strings.Count(m.read("/var/log/dnf"), "\n"); got != 2 {
		t.Errorf("dnf ran %d times, want 2", got)
	}
}

// One that stays away ends the script with a reason.
func TestNATInstanceFails(t *testing.T) {
	t.Parallel()
	require(t, "nft")
	m := newHost(t, smallMemory)
	m.run("rm", "/usr/sbin/nft")
	m.write("/etc/dnf-is-broken", 0o644, "")
	script, err := devNAT().UserData()
	if err != nil {
		t.Fatal(err)
	}
	// Of the fifteen minutes that it has, it is given a few seconds.
	script = strings.Replace(script, "budget=900\n", "budget=4\n", 1)
	r := m.boot(script)
	if r.status == 0 || !strings.Contains(r.last(), "failed: nftables was not installed") {
		t.Errorf("status %d, last line %q", r.status, r.last())
	}
}
