//go:build unix

package catalog

import (
	"bytes"
	"flag"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	dossier "dossier.example/app"
	"dossier.example/app/storetest"
)

// every runs the tests of interrupted calls in all combinations. By default they take a part that has each situation,
// each request and each interruption several times.
var every = flag.Bool("every", false, "interrupt calls in every combination (takes several times as long)")

func TestDynamoDB(t *testing.T) {
	t.Parallel()
	server := sharedDynamoDB(t)
	storetest.Catalog(t, func(t *testing.T) dossier.Catalog {
		d, _ := newDynamoDB(t, server.Config())
		return d
	})
}

// The permissions that the documentation of DynamoDB lists are those that are needed. And every read is consistent but
// those of the index, which cannot be, and Ping, which does not care: the test's server would not show the difference.
func TestDynamoDBOperations(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	f := b.described(dossier.NewPersonID())
	b.wire.set(func(_ int, req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
		loose := bytes.Contains(body, []byte(`"IndexName":"unfinished"`)) || bytes.Contains(body, []byte(`"ping"`))
		if slices.Contains([]string{"GetItem", "Query", "Scan"}, operation) &&
			bytes.Contains(body, []byte(`"ConsistentRead":true`)) == loose {
			t.Errorf("%s should be consistent: %v; the request is %s", operation, !loose, body)
		}
		return nil, nil
	}, nil)
	for range 2 {
		for _, call := range everyCall(b.tested, f) {
			if err := call(t.Context()); err != nil && !coded(err) {
				t.Fatal(err)
			}
		}
	}
	person := dossier.NewPersonID()
	gone := b.described(person)
	b.commit(gone)
	b.mark(gone)
	b.must(removes(b.tested, gone))
	var got []string
	for target := range maps.Keys(b.wire.operations) {
		_, operation, _ := strings.Cut(target, ".")
		got = append(got, operation)
	}
	slices.Sort(got)
	if want := []string{"DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"}; !slices.Equal(got, want) {
		t.Errorf("operations: got %v, want %v", got, want)
	}
}

// An item that this program cannot have written is a fault that needs a person, not an outage and not a file.
func TestDynamoDBStrangeItems(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	for name, spoil := range map[string]func(*item){
		"no upload size": func(i *item) { i.UploadID, i.PartSize = aws.String("t"), aws.Int64(1) },
		"no times":       func(i *item) { i.CreatedAt, i.UpdatedAt, i.Unfinished = nil, nil, "" },
		"short SHA-256":  func(i *item) { i.Size, i.SHA256, i.CRC64 = aws.Int64(1), "abc", formatCRC64(1) },
		"no CRC-64":      func(i *item) { i.Size, i.SHA256 = aws.Int64(1), formatSHA256([32]byte{}) },
		"foreign CRC-64": func(i *item) {
			i.Size, i.SHA256, i.CRC64 = aws.Int64(1), formatSHA256([32]byte{}), "+000000000000001"
		},
	} {
		f := newFile(t)
		i := newItem(f)
		spoil(&i)
		attributes, err := attributevalue.MarshalMap(i)
		b.must(err)
		_, err = b.sound.client.PutItem(t.Context(),
			&dynamodb.PutItemInput{TableName: &b.sound.table, Item: attributes})
		b.must(err)
		if got, err := b.sound.File(t.Context(), f.Person, f.ID); err == nil || coded(err) {
			t.Errorf("File of an item with %s: got %v, %v; want an error without a code", name, got, err)
		}
	}
}
