package prove

import "crypto/x509"

// Internet is the network as it is, with authorities of a test.
func Internet(roots *x509.CertPool) Network {
	n := newInternet()
	n.roots, n.transport.TLSClientConfig.RootCAs = roots, roots
	return n
}
