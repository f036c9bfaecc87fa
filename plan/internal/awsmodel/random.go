package awsmodel

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// randomText generates as RandomPassword and RandomString do, except that it follows from the name:
// https://registry.terraform.io/providers/hashicorp/random/latest/docs/resources/password.
func randomText(c *call) {
	length := 0
	if v := Plain(c.in["length"]); v.IsNumber() {
		length = int(v.NumberValue())
	}
	wants := func(key string) bool {
		v := Plain(c.in[resource.PropertyKey(key)])
		return !v.IsBool() || v.BoolValue()
	}
	least := func(key string) int {
		if v := Plain(c.in[resource.PropertyKey(key)]); v.IsNumber() {
			return int(v.NumberValue())
		}
		return 0
	}
	special := "!@#$%&*()-_=+[]{}<>:?"
	if own := c.get("overrideSpecial"); own != "" {
		special = own
	}
	var alphabet, text string
	for _, class := range []struct{ switchedBy, least, letters string }{
		{"lower", "minLower", "abcdefghijklmnopqrstuvwxyz"},
		{"upper", "minUpper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		{"numeric", "minNumeric", "0123456789"},
		{"special", "minSpecial", special},
	} {
		if wants(class.switchedBy) {
			alphabet += class.letters
		}
		text += c.text(class.letters, class.switchedBy, least(class.least))
	}
	if rest := length - len(text); rest > 0 && alphabet != "" {
		text += c.text(alphabet, "rest", rest)
	}
	c.id = text
	if c.token == "random:index/randomPassword:RandomPassword" {
		c.id = "none"
		c.out["result"] = resource.MakeSecret(resource.NewProperty(text))
		c.out["bcryptHash"] = resource.MakeSecret(resource.NewProperty("$2a$10$" + c.text("abcdefghijklmnopqrstuvwxyz0123456789", "bcrypt", 53)))
		return
	}
	c.set("result", text)
}

// https://registry.terraform.io/providers/hashicorp/random/latest/docs/resources/id
func randomID(c *call) {
	size := 0
	if v := Plain(c.in["byteLength"]); v.IsNumber() {
		size = int(v.NumberValue())
	}
	digits := c.hex("id", 2*size)
	raw, _ := hex.DecodeString(digits)
	prefix := c.get("prefix")
	c.id = base64.RawURLEncoding.EncodeToString(raw)
	c.set("b64Url", prefix+c.id)
	c.set("b64Std", prefix+base64.StdEncoding.EncodeToString(raw))
	c.set("hex", prefix+digits)
	c.set("dec", prefix+new(big.Int).SetBytes(raw).String())
}

// privateKey makes a real Ed25519 key, whatever algorithm is asked for, so that what uses it can be run. It follows
// from the name: nothing but a test may use it. Its outputs:
// https://registry.terraform.io/providers/hashicorp/tls/latest/docs/resources/private_key.
func privateKey(c *call) {
	seed, _ := hex.DecodeString(c.hex("seed", 2*ed25519.SeedSize))
	key := ed25519.NewKeyFromSeed(seed)
	public := key.Public().(ed25519.PublicKey)
	// Neither fails for a key of this kind.
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	pkix, _ := x509.MarshalPKIXPublicKey(public)
	blob := sshStrings("ssh-ed25519", string(public))
	fingerprint := sha256.Sum256(blob)

	secret := func(name string, text string) {
		c.out[resource.PropertyKey(name)] = resource.MakeSecret(resource.NewProperty(text))
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	secret("privateKeyPem", block("PRIVATE KEY", pkcs8))
	secret("privateKeyPemPkcs8", block("PRIVATE KEY", pkcs8))
	secret("privateKeyOpenssh", block("OPENSSH PRIVATE KEY", openSSH(key, blob)))
	c.set("publicKeyPem", block("PUBLIC KEY", pkix))
	c.set("publicKeyOpenssh", "ssh-ed25519 "+base64.StdEncoding.EncodeToString(blob)+"\n")
	c.set("publicKeyFingerprintSha256", "SHA256:"+base64.RawStdEncoding.EncodeToString(fingerprint[:]))
	c.set("publicKeyFingerprintMd5", "")
	c.id = digest(40, string(public))
}

// openSSH writes a key without a passphrase in OpenSSH's own format (PROTOCOL.key of its sources). The ssh package does
// it too, but puts a random number in.
func openSSH(key ed25519.PrivateKey, public []byte) []byte {
	check := []byte{0, 0, 0, 1}
	private := append(append([]byte{}, check...), check...)
	private = append(private, sshStrings("ssh-ed25519", string(key.Public().(ed25519.PublicKey)), string(key), "")...)
	for pad := byte(1); len(private)%8 != 0; pad++ {
		private = append(private, pad)
	}
	out := []byte("openssh-key-v1\x00")
	out = append(out, sshStrings("none", "none", "")...)
	out = binary.BigEndian.AppendUint32(out, 1)
	return append(out, sshStrings(string(public), string(private))...)
}

func sshStrings(texts ...string) []byte {
	var out strings.Builder
	for _, text := range texts {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(text)))
		out.Write(length[:])
		out.WriteString(text)
	}
	return []byte(out.String())
}
