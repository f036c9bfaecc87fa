// Package awsmodel answers as AWS and the providers of this program would: which id a new resource gets and which
// outputs. It exists so that the resource graph (package graph) and the engine tests (package engine) see one and the
// same AWS. Those two import it; the program itself does not.
package awsmodel

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
)

// Region and Account are those of the answers of Compute and Invoke. The account's number is the one of AWS's own
// documents.
const (
	Region  = "us-east-1"
	Account = "123456789012"
)

// Model is one account in one region.
type Model struct{ Region, Account string }

// Default is the model in Region and Account.
func Default() Model { return Model{Region: Region, Account: Account} }

// Partition is the one that the region is in:
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html.
func (m Model) Partition() string {
	return m.partition().name
}

// partition is one of AWS's, which have nothing to do with each other.
type partition struct{ regions, name, suffix string }

// partitions are those beside the usual one, by what their regions begin with, each with the name that its addresses
// end in (https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json).
var partitions = []partition{
	{"cn-", "aws-cn", "amazonaws.com.cn"}, {"us-gov-", "aws-us-gov", "amazonaws.com"},
	{"us-iso-", "aws-iso", "c2s.ic.gov"}, {"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
	{"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"}, {"us-isof-", "aws-iso-f", "csp.hci.ic.gov"},
	{"eusc-", "aws-eusc", "amazonaws.eu"},
}

func (m Model) partition() partition {
	for _, p := range partitions {
		if strings.HasPrefix(m.Region, p.regions) {
			return p
		}
	}
	return partition{name: "aws", suffix: "amazonaws.com"}
}

// IsService reports whether a principal is a service of AWS, in any of its partitions.
func IsService(who string) bool {
	return strings.HasSuffix(who, ".amazonaws.com") || slices.ContainsFunc(partitions, func(p partition) bool {
		return strings.HasSuffix(who, "."+p.suffix)
	})
}

// Compute returns the id and the outputs of a new resource: its inputs, what AWS fills in by default, and what only AWS
// knows. qualified is its type as a URN has it, after those of the components that it belongs to: with the name, that
// tells two resources of a stack apart. The same arguments always give the same answer, and others give other ids. A
// type that is not known here gets an id made of its name, an ARN in the form that most services use, and some text for
// each other output that is one.
func (m Model) Compute(qualified, name string, inputs resource.PropertyMap) (id string, outputs resource.PropertyMap) {
	token := qualified[strings.LastIndex(qualified, urn.TypeDelimiter)+1:]
	c := &call{Model: m, token: token, qualified: qualified, name: name, in: inputs, out: inputs.Copy()}
	if property := Names(token).Property; property != "" {
		c.missing(property, AutoName(token, baseName(name), c.hex("autoname", autoNameHex)))
	}
	if fill, known := makers[token]; known {
		fill(c)
	} else {
		c.other()
	}
	if c.has("tags") {
		c.missing("tagsAll", c.out["tags"])
	}
	return c.id, c.out
}

// Computed are the names of the outputs that are known only after the resource was created: those that Compute adds to
// the inputs, in order.
func (m Model) Computed(qualified, name string, inputs resource.PropertyMap) []string {
	_, outputs := m.Compute(qualified, name, inputs)
	var keys []string
	for key := range outputs {
		if _, given := inputs[key]; !given {
			keys = append(keys, string(key))
		}
	}
	slices.Sort(keys)
	return keys
}

// Incarnation is the name to give to Compute for the n-th resource, from 1, that stands for one name: a replacement has
// other ids.
func Incarnation(name string, n int) string {
	if n <= 1 {
		return name
	}
	return fmt.Sprintf("%s\x00%d", name, n)
}

func baseName(name string) string {
	base, _, _ := strings.Cut(name, "\x00")
	return base
}

// call is one resource in the making.
type call struct {
	Model
	token, qualified, name string
	in, out                resource.PropertyMap
	id                     string
}

// hex returns n hexadecimal digits that follow from the qualified type, the name and the label.
func (c *call) hex(label string, n int) string { return digest(n, c.qualified, c.name, label) }

func digest(n int, parts ...string) string {
	var text strings.Builder
	for i := 0; text.Len() < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %q", i, parts))
		text.WriteString(hex.EncodeToString(sum[:]))
	}
	return text.String()[:n]
}

// number returns a number of that many decimal digits.
func (c *call) number(label string, digits int) string {
	n, _ := new(big.Int).SetString("1"+c.hex(label, 2*digits), 16)
	text := n.String()
	return text[len(text)-digits:]
}

// uuid returns an id in the form of RFC 9562.
func (c *call) uuid(label string) string {
	h := c.hex(label, 32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// upper returns n characters of A to Z and 2 to 7, as IAM and RDS have them in ids.
func (c *call) upper(label string, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	return c.text(alphabet, label, n)
}

func (c *call) text(alphabet, label string, n int) string {
	random := c.hex(label, 4*n)
	text := make([]byte, n)
	for i := range text {
		v, _ := new(big.Int).SetString(random[4*i:4*i+4], 16)
		text[i] = alphabet[v.Int64()%int64(len(alphabet))]
	}
	return string(text)
}

// ec2ID returns an id of EC2's long form.
func (c *call) ec2ID(prefix string) string { return ec2ID(prefix, c.qualified, c.name) }

func ec2ID(prefix string, parts ...string) string {
	return prefix + "-0" + digest(16, append([]string{prefix}, parts...)...)
}

// address returns an address of 198.18.0.0/15, which RFC 2544 keeps out of the internet.
func (c *call) address() string {
	n, _ := new(big.Int).SetString(c.hex("address", 6), 16)
	v := n.Int64()
	return fmt.Sprintf("198.%d.%d.%d", 18+v>>16&1, v>>8&255, v&255)
}

func (c *call) arn(service, rest string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", c.Partition(), service, c.Region, c.Account, rest)
}

// globalARN is that of a service without regions.
func (c *call) globalARN(service, rest string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", c.Partition(), service, c.Account, rest)
}

func (c *call) has(key string) bool {
	v, has := c.out[resource.PropertyKey(key)]
	return has && !v.IsNull()
}

// get is the text of an output, without its mark as a secret; empty when absent, unknown or no text.
func (c *call) get(key string) string { return Text(c.out[resource.PropertyKey(key)]) }

// set sets an output, whatever the input.
func (c *call) set(key string, v any) { c.out[resource.PropertyKey(key)] = value(v) }

// missing sets an output that the inputs leave to AWS.
func (c *call) missing(key string, v any) {
	if !c.has(key) {
		c.set(key, v)
	}
}

// named makes the physical name, in that property, the id.
func (c *call) named(property string) string {
	c.id = c.get(property)
	return c.id
}

// other is for types that are not in the table.
func (c *call) other() {
	pkg, kind := c.token, c.token
	if i := strings.IndexAny(c.token, ":/"); i >= 0 {
		pkg = c.token[:i]
	}
	if i := strings.LastIndexByte(c.token, ':'); i >= 0 {
		kind = c.token[i+1:]
	}
	c.id = strings.ToLower(kind) + "-" + c.hex("id", 17)
	if pkg == "aws" {
		service := strings.Split(strings.TrimPrefix(c.token, "aws:"), "/")[0]
		own := strings.ToLower(kind[:1]) + kind[1:] + "/" + c.id
		c.missing("arn", c.arn(service, own))
		for _, output := range added()[c.token] {
			switch lower := strings.ToLower(output); {
			case output == "name":
				c.missing(output, AutoName(c.token, baseName(c.name), c.hex("autoname", autoNameHex)))
			case strings.HasSuffix(lower, "arn"):
				c.missing(output, c.arn(service, own+"/"+output))
			case strings.HasSuffix(lower, "url"), strings.HasSuffix(lower, "endpoint"):
				c.missing(output, "https://"+c.hex(output, 12)+"."+service+"."+c.Region+".amazonaws.com")
			default:
				c.missing(output, lower+"-"+c.hex(output, 12))
			}
		}
	}
}

//go:generate go run ../replacements -outputs outputs.txt -answers answers.txt

// outputs is written from the source of the Pulumi SDK; internal/replacements tells how.
//
//go:embed outputs.txt
var outputs string

// added are the texts that AWS adds to resources, by type.
var added = sync.OnceValue(func() map[string][]string { return read(outputs) })

// Text is the text that a value holds, without its mark as a secret; empty when it is absent, unknown or no text.
func Text(v resource.PropertyValue) string {
	v = Plain(v)
	if v.IsString() {
		return v.StringValue()
	}
	return ""
}

// Plain is a value without its mark as a secret or an output; an output that is not known is Computed. What is inside
// it keeps its marks.
func Plain(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput() && v.OutputValue().Known:
			v = v.OutputValue().Element
		case v.IsOutput():
			return resource.MakeComputed(resource.NewProperty(""))
		default:
			return v
		}
	}
}

func value(v any) resource.PropertyValue {
	switch v := v.(type) {
	case resource.PropertyValue:
		return v
	case []string:
		list := make([]resource.PropertyValue, len(v))
		for i, s := range v {
			list[i] = resource.NewProperty(s)
		}
		return resource.NewProperty(list)
	case []any:
		list := make([]resource.PropertyValue, len(v))
		for i, e := range v {
			list[i] = value(e)
		}
		return resource.NewProperty(list)
	case map[string]any:
		object := resource.PropertyMap{}
		for key := range maps.Keys(v) {
			object[resource.PropertyKey(key)] = value(v[key])
		}
		return resource.NewProperty(object)
	default:
		return resource.NewPropertyValue(v)
	}
}
