package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestLoosened: a condition that is dropped, or holds for more, is told of whoever it is about and whatever it allows.
func TestLoosened(t *testing.T) {
	const (
		factor  = `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
		context = `{"StringEquals":{"kms:EncryptionContext:app":"a"}}`
	)
	with := func(condition string) string {
		if condition == "" {
			return ""
		}
		return `,"Condition":` + condition
	}
	right := func(action, resource, condition string) string {
		return statements(`{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"` +
			with(condition) +
			`}`)
	}
	trust := func(condition string) string {
		return statements(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ops"},` +
			`"Action":"sts:AssumeRole"` + with(condition) + `}`)
	}
	const key, table, bucket = "arn:aws:kms:us-east-1:123456789012:key/1",
		"arn:aws:dynamodb:us-east-1:123456789012:table/a", "arn:aws:s3:::a"
	const underIt = "under a condition that lets in more"
	for _, c := range []struct {
		name, was, is string
		want          [][2]string
	}{
		{"an encryption context", right("kms:Decrypt", key, context), right("kms:Decrypt", key, ""),
			[][2]string{{moreRights, underIt + ": `kms:Decrypt`"}}},
		{"leading keys", right("dynamodb:Query", table,
			`{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"${aws:username}"}}`),
			right("dynamodb:Query", table, ""), [][2]string{{moreRights, underIt + ": `dynamodb:Query`"}}},
		{"a prefix", right("s3:ListBucket", bucket, `{"StringLike":{"s3:prefix":"a/*"}}`),
			right("s3:ListBucket", bucket, ""), [][2]string{{moreRights, underIt + ": `s3:ListBucket`"}}},
		{"a longer prefix", right("s3:ListBucket", bucket, `{"StringLike":{"s3:prefix":"a/b/*"}}`),
			right("s3:ListBucket", bucket, `{"StringLike":{"s3:prefix":"a/*"}}`),
			[][2]string{{moreRights, underIt + ": `s3:ListBucket`"}}},
		{"one key of two", right("s3:ListBucket", bucket, `{"StringEquals":{"s3:prefix":"a","aws:SourceVpce":"v"}}`),
			right("s3:ListBucket", bucket, `{"StringEquals":{"aws:SourceVpce":"v"}}`),
			[][2]string{{moreRights, underIt + ": `s3:ListBucket`"}}},
		{"a part of what was allowed", right("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1*", context),
			right("kms:Decrypt", key, ""), [][2]string{{moreRights, underIt + ": `kms:Decrypt`"},
				{stops, "may no longer"}}},
		{"another key in its place", right("s3:ListBucket", bucket, `{"StringEquals":{"s3:prefix":"a"}}`),
			right("s3:ListBucket", bucket, `{"StringEquals":{"aws:SourceVpce":"v"}}`),
			[][2]string{{moreRights, underIt}, {stops, "may no longer"}}},
		{"one key more", right("s3:ListBucket", bucket, `{"StringEquals":{"aws:SourceVpce":"v"}}`),
			right("s3:ListBucket", bucket, `{"StringEquals":{"s3:prefix":"a","aws:SourceVpce":"v"}}`),
			[][2]string{{stops, "may no longer"}}},
		{"the same, written otherwise", right("s3:ListBucket", bucket, `{"StringLike":{"s3:prefix":"a"}}`),
			right("s3:ListBucket", bucket, `{"StringEquals":{"s3:prefix":["a"]}}`), nil},
		{"of another bucket", right("s3:ListBucket", bucket, `{"StringEquals":{"s3:prefix":"a"}}`),
			right("s3:ListBucket", "arn:aws:s3:::other", ""), [][2]string{{stops, "may no longer"}}},
	} {
		t.Run("a role's rights: "+c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add("iam/role:Role", "app", in{"assumeRolePolicy": trust("")})
				b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": c.was})
			}, func(b *graphtest.Builder) { b.Set("iam/rolePolicy:RolePolicy", "x", "policy", c.is) })
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
	const mayBe = "`app` may now be taken under a condition that lets in more: `arn:aws:iam::{account}:user/ops`"
	for _, c := range []struct {
		name, was, is string
		want          [][2]string
	}{
		{"no second factor", factor, "", [][2]string{{moreRights, mayBe}}},
		{"where there is one", factor, `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`,
			[][2]string{{moreRights, mayBe}}},
		{"for longer", `{"NumericLessThan":{"aws:MultiFactorAuthAge":"900"}}`,
			`{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`, [][2]string{{moreRights, mayBe}}},
		{"a second factor", "", factor, [][2]string{{stops, "no longer be taken"}}},
		{"the same", factor, factor, nil},
	} {
		t.Run("trust: "+c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add("iam/role:Role", "app", in{"assumeRolePolicy": trust(c.was)})
			}, func(b *graphtest.Builder) { b.Set("iam/role:Role", "app", "assumeRolePolicy", trust(c.is)) })
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
		t.Run("a bucket: "+c.name, func(t *testing.T) {
			policy := func(condition string) string {
				return statements(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ops"},` +
					`"Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"` + with(condition) + `}`)
			}
			want := [][2]string{{moreRights, "`a` newly allows `arn:aws:iam::{account}:user/ops` `s3:GetObject`"}}
			switch {
			case len(c.want) == 0:
				want = nil
			case c.want[0][0] == stops:
				want = [][2]string{{stops, "no longer allows"}}
			}
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add("s3/bucketPolicy:BucketPolicy", "a", in{"bucket": "a", "policy": policy(c.was)})
			}, func(b *graphtest.Builder) { b.Set("s3/bucketPolicy:BucketPolicy", "a", "policy", policy(c.is)) })
			tells(t, between(base, head).Environments[0].Dangers, want)
		})
	}
}
