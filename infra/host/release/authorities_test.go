//go:build unix

package release

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// parsed returns the certificates of rds-ca.pem. It fails on one that Go does not take.
func parsed(t *testing.T) (all []*x509.Certificate) {
	t.Helper()
	for rest := authorities; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			t.Errorf("a PEM block %s with headers %v", block.Type, block.Headers)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if n := bytes.Count(authorities, []byte("-----BEGIN")); len(all) != n || n == 0 {
		t.Fatalf("%d of %d PEM blocks can be read", len(all), n)
	}
	return all
}

// TestAuthorities: each is a root of RDS's, valid now and in a year. When this fails for a root's age, renew the file.
func TestAuthorities(t *testing.T) {
	now := time.Now()
	name := regexp.MustCompile(`^Amazon RDS [a-z]{2}(-[a-z]+)+-\d Root CA (RSA2048|RSA4096|ECC384) G\d$`)
	for _, c := range parsed(t) {
		cn := c.Subject.CommonName
		if !name.MatchString(cn) || len(c.Subject.Organization) != 1 || c.Subject.Organization[0] != "Amazon Web Services, Inc." {
			t.Errorf("%s: not the name of an authority of RDS's", c.Subject)
		}
		if !c.IsCA || !c.BasicConstraintsValid || c.KeyUsage&x509.KeyUsageCertSign == 0 {
			t.Errorf("%s: not an authority", cn)
		}
		if !bytes.Equal(c.RawSubject, c.RawIssuer) {
			t.Errorf("%s: issued by %s, want by itself", cn, c.Issuer)
		}
		if err := c.CheckSignatureFrom(c); err != nil {
			t.Errorf("%s: not signed by itself: %v", cn, err)
		}
		if now.Before(c.NotBefore) || now.AddDate(1, 0, 0).After(c.NotAfter) {
			t.Errorf("%s: valid from %v to %v, want now and for a year at least", cn, c.NotBefore, c.NotAfter)
		}
	}
}

// TestRegions: the regions that people use most have an authority, of each algorithm that RDS offers.
func TestRegions(t *testing.T) {
	names := map[string]bool{}
	for _, c := range parsed(t) {
		names[c.Subject.CommonName] = true
	}
	for _, region := range strings.Fields(`
		us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 af-south-1 me-south-1 me-central-1
		eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2
		ap-east-1 ap-south-1 ap-south-2 ap-northeast-1 ap-northeast-2 ap-northeast-3
		ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4`) {
		for _, kind := range []string{"RSA2048", "RSA4096", "ECC384"} {
			if want := "Amazon RDS " + region + " Root CA " + kind + " G1"; !names[want] {
				t.Errorf("there is no %s", want)
			}
		}
		if err := CheckRegion(region); err != nil {
			t.Error(err)
		}
	}
	for _, region := range []string{"", "eu-central", "us-east-1 Root CA RSA2048 G1", "xx-north-1"} {
		if err := CheckRegion(region); err == nil || !strings.Contains(err.Error(), "eu-central-1") {
			t.Errorf("CheckRegion(%q) = %v, want an error that lists the regions", region, err)
		}
	}
}

// TestAuthoritiesInTLS: the pool that the app makes of the file holds each of them, and a connection trusts by it and
// by nothing else.
func TestAuthoritiesInTLS(t *testing.T) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		t.Fatal("no certificate is taken")
	}
	want := x509.NewCertPool()
	for _, c := range parsed(t) {
		want.AddCert(c)
		if _, err := c.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Errorf("%s is not trusted: %v", c.Subject.CommonName, err)
		}
	}
	if !pool.Equal(want) {
		t.Error("the pool does not hold each certificate of the file")
	}

	stranger := strangerCertificate(t)
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go func() {
		_ = tls.Server(server, &tls.Config{Certificates: []tls.Certificate{stranger}}).HandshakeContext(t.Context()) // the client refuses
	}()
	err := tls.Client(client, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "localhost", RootCAs: pool}).HandshakeContext(t.Context())
	if _, ok := err.(*tls.CertificateVerificationError); !ok {
		t.Errorf("a server with a certificate by someone else: error %v, want that it is not verified", err)
	}
}
