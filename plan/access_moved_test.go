package plan

import (
	"slices"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// documentOf are inputs of a resource with a document, which is about what has that id or name.
func documentOf(token, policy, of string) in {
	inputs := in{documents[token]: policy}
	if path := subjects[token]; path != "" {
		inputs[path] = of
	}
	return inputs
}

// TestMovedDocuments: a document that is about something else opens what it is about now, and leaves unguarded what it
// was about, whatever is the same in its text. So does each type that has one.
func TestMovedDocuments(t *testing.T) {
	// inThemselves are the types of which the resource is what its document is about, or the account is.
	inThemselves := []string{"aws:apigateway/restApi:RestApi", "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
		"aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ecr/registryPolicy:RegistryPolicy",
		"aws:elasticsearch/domain:Domain", "aws:glacier/vault:Vault", "aws:iam/policy:Policy", "aws:kms/key:Key",
		"aws:opensearch/domain:Domain", "aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2",
		"aws:secretsmanager/secret:Secret", "aws:sns/topic:Topic", "aws:sqs/queue:Queue"}
	for token := range documents {
		if (subjects[token] == "") != slices.Contains(inThemselves, token) {
			t.Errorf("what a document of %s is about is not known", token)
		}
	}
	policy := statements(
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"x:Read","Resource":"*"}`,
		`{"Effect":"Deny","Principal":"*","Action":"x:Write","Resource":"*"}`)
	for token := range subjects {
		t.Run(token, func(t *testing.T) {
			build := func(b *graphtest.Builder) {
				b.Add("test:index:Thing", "one", in{})
				b.Add("test:index:Thing", "other", in{})
				b.Add(token, "x", documentOf(token, policy, "thing-one"))
			}
			told := func(change func(b *graphtest.Builder)) []Danger {
				base, head := two(t, build, change)
				return opened(base, head, deleted(between(base, head).Environments[0].Changes))
			}
			to := func(id string) func(b *graphtest.Builder) {
				return func(b *graphtest.Builder) { b.Set(token, "x", subjects[token], id) }
			}
			left := [][2]string{{"no longer denied", "of `Thing one` no longer denies **everyone**"},
				{stops, "of `Thing one` no longer allows"}}
			tells(t, told(to("thing-other")), slices.Concat(left, [][2]string{
				{exposes, "of `Thing other` newly allows **the foreign account of `arn:aws:iam::999999999999:root`**"},
				{stops, "of `Thing other` newly denies"}}))
			tells(t, told(to("theirs")), slices.Concat(left, [][2]string{{exposes, "of `theirs` newly allows"},
				{stops, "of `theirs` newly denies"}}))
			// What is made with it is not yet used by anybody.
			tells(t, told(func(b *graphtest.Builder) {
				b.Add("test:index:Thing", "new", in{})
				b.Set(token, "x", subjects[token], "thing-new")
			}), slices.Concat(left, [][2]string{{exposes, "of `Thing new` newly allows"}}))
			// Of what is deleted nobody misses it.
			tells(t, told(func(b *graphtest.Builder) {
				b.Remove("test:index:Thing", "one")
				b.Set(token, "x", subjects[token], "thing-other")
			}), [][2]string{{exposes, "of `Thing other` newly allows"}, {stops, "of `Thing other` newly denies"}})
			// Where another document says the same of what it was about, nothing is lost.
			tells(t, told(func(b *graphtest.Builder) {
				to("thing-other")(b)
				b.Add(token, "y", documentOf(token, policy, "thing-one"))
			}), [][2]string{{exposes, "of `Thing other` newly allows"}, {stops, "of `Thing other` newly denies"},
				{exposes, "`y` newly allows"}, {stops, "`y` newly denies"}})
			tells(t, told(func(*graphtest.Builder) {}), nil)
			// A document that goes is missed by what stays.
			tells(t, told(func(b *graphtest.Builder) { b.Remove(token, "x") }), [][2]string{
				{"no longer denied", "`x` no longer denies **everyone**"}, {stops, "`x` no longer allows"}})
		})
	}
}

// TestDocumentStays: what has another id, or is written otherwise, is still what a document is about.
func TestDocumentStays(t *testing.T) {
	policy := statements(`{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}`)
	const kind = "sqs/queuePolicy:QueuePolicy"
	build := func(b *graphtest.Builder) {
		b.Add("sqs/queue:Queue", "q", in{"name": "q"})
		b.Add(kind, "x", in{"queueUrl": "queue-q", "policy": policy})
		b.Add(kind, "theirs", in{"queueUrl": "https://sqs.example/q", "policy": policy})
	}
	for name, change := range map[string]func(b *graphtest.Builder){
		"its ARN": func(b *graphtest.Builder) {
			b.Set(kind, "x", "queueUrl", "arn:aws:test:eu-central-1:123456789012:queue-q")
		},
		"a new queue in its place": func(b *graphtest.Builder) {
			b.Get("sqs/queue:Queue", "q").ID = "queue-new"
			b.Set(kind, "x", "queueUrl", "queue-new")
		},
	} {
		t.Run(name, func(t *testing.T) {
			base, head := two(t, build, change)
			tells(t, opened(base, head, nil), nil)
		})
	}
}
