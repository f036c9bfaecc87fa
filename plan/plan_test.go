package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

type in = graphtest.In

// two builds a graph twice, as it is and as change leaves it.
func two(t *testing.T, build, change func(b *graphtest.Builder)) (base, head *graph.Graph) {
	t.Helper()
	before, after := graphtest.New(t), graphtest.New(t)
	build(before)
	build(after)
	change(after)
	return before.Graph(), after.Graph()
}

// between makes the plan of one environment, named e.
func between(base, head *graph.Graph) Plan {
	config := map[string]string{"aws:region": "us-east-1"}
	return Make(Revision{Name: "base", Stacks: map[string]Stack{"e": {Graph: base, Config: config}}},
		Revision{Name: "head", Stacks: map[string]Stack{"e": {Graph: head, Config: config}}})
}

func TestChanges(t *testing.T) {
	const (
		database = "rds/instance:Instance"
		role     = "iam/rolePolicy:RolePolicy"
		instance = "ec2/instance:Instance"
	)
	policy := func(actions ...string) string {
		raw, err := json.Marshal(map[string]any{"Version": "2012-10-17",
			"Statement": []any{map[string]any{"Sid": "A", "Effect": "Allow", "Action": actions, "Resource": "*"}}})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, c := range []struct {
		name          string
		build, change func(b *graphtest.Builder)
		want          []string
	}{
		{"what can be changed", func(b *graphtest.Builder) {
			b.Add(database, "db", in{"instanceClass": "a", "engine": "mysql"})
		},
			func(b *graphtest.Builder) { b.Get(database, "db").Inputs["instanceClass"] = "b" },
			[]string{"update RDS Instance db", "instanceClass: a → b"}},
		{"what cannot", func(b *graphtest.Builder) { b.Add(database, "db", in{"storageEncrypted": false}) },
			func(b *graphtest.Builder) { b.Get(database, "db").Inputs["storageEncrypted"] = true },
			[]string{"replace RDS Instance db", "storageEncrypted: false → true (replaces)"}},
		{"a part of an object", func(b *graphtest.Builder) {
			b.Add(instance, "jump", in{"rootBlockDevice": in{"encrypted": false, "volumeSize": 8}})
		},
			func(b *graphtest.Builder) {
				b.Get(instance, "jump").Inputs["rootBlockDevice"] = map[string]any{"encrypted": true, "volumeSize": 9.0}
			},
			[]string{"replace EC2 Instance jump", "rootBlockDevice.encrypted: false → true (replaces)",
				"rootBlockDevice.volumeSize: 8 → 9"}},
		{"user-data of an instance that keeps it", func(b *graphtest.Builder) {
			b.Add(instance, "jump", in{"userData": "a"})
		},
			func(b *graphtest.Builder) { b.Get(instance, "jump").Inputs["userData"] = "b" },
			[]string{"update EC2 Instance jump", "userData: a → b"}},
		{"user-data of an instance that does not", func(b *graphtest.Builder) {
			b.Add(instance, "jump", in{"userData": "a", "userDataReplaceOnChange": true})
		},
			func(b *graphtest.Builder) { b.Get(instance, "jump").Inputs["userData"] = "b" },
			[]string{"replace EC2 Instance jump", "userData: a → b (replaces)"}},
		{"what the program says to ignore", func(b *graphtest.Builder) {
			b.Add("autoscaling/group:Group", "app",
				in{"desiredCapacity": 1, "maxSize": 2}).Options.IgnoreChanges = []string{"desiredCapacity"}
		},
			func(b *graphtest.Builder) { b.Get("autoscaling/group:Group", "app").Inputs["desiredCapacity"] = 2.0 },
			nil},
		{"what the program says to replace", func(b *graphtest.Builder) {
			b.Add("command:local:Command", "run",
				in{"triggers": []any{"a"}}).Options.ReplaceOnChanges = []string{"triggers[*]"}
		},
			func(b *graphtest.Builder) { b.Get("command:local:Command", "run").Inputs["triggers"] = []any{"b"} },
			[]string{"replace Command run", `triggers: ["a"] → ["b"] (replaces)`}},
		{"a document", func(b *graphtest.Builder) {
			b.Add(role, "app", in{"policy": policy("s3:GetObject", "s3:PutObject", "s3:ListBucket")})
		},
			func(b *graphtest.Builder) {
				b.Get(role, "app").Inputs["policy"] = policy("s3:GetObject", "s3:ListBucket", "s3:DeleteObject")
			},
			[]string{"update RolePolicy app", `policy.Statement[A].Action: ["s3:PutObject"] → ["s3:DeleteObject"]`}},
		{"a secret", func(b *graphtest.Builder) { b.Add(database, "db", in{"password": "x"}) },
			func(b *graphtest.Builder) { b.Get(database, "db").Inputs["password"] = graph.Secret },
			[]string{"update RDS Instance db", "password: x → [secret]"}},
		{"what comes and goes", func(b *graphtest.Builder) { b.Add("s3/bucketV2:BucketV2", "old", in{}) },
			func(b *graphtest.Builder) {
				b.Get("s3/bucketV2:BucketV2", "old").Name = "renamed"
				b.Get("s3/bucketV2:BucketV2",
					"renamed").URN = "urn:pulumi:test::test::aws:s3/bucketV2:BucketV2::renamed"
			},
			[]string{"delete BucketV2 old", "create BucketV2 renamed"}},
		{"another name for the same", func(b *graphtest.Builder) { b.Add("s3/bucketV2:BucketV2", "old", in{}) },
			func(b *graphtest.Builder) {
				r := b.Get("s3/bucketV2:BucketV2", "old")
				r.Options.Aliases = []string{r.URN}
				r.Name, r.URN = "renamed", "urn:pulumi:test::test::aws:s3/bucketV2:BucketV2::renamed"
			}, nil},
		{"a type that the table lacks", func(b *graphtest.Builder) {
			b.Add("orbit/satellite:Satellite", "s", in{"version": "1"})
		},
			func(b *graphtest.Builder) { b.Get("orbit/satellite:Satellite", "s").Inputs["version"] = "2" },
			[]string{"update Satellite s (unsure)", "version: 1 → 2 (unknown for this type)"}},
		{"an input that the table lacks", func(b *graphtest.Builder) {
			b.Add("eks/cluster:Cluster", "c", in{"quantum": "1"})
		},
			func(b *graphtest.Builder) { b.Get("eks/cluster:Cluster", "c").Inputs["quantum"] = "2" },
			[]string{"update EKS Cluster c (unsure)", "quantum: 1 → 2 (unknown for this property)"}},
		{"a replacement that the provider decides", func(b *graphtest.Builder) {
			b.Add("opensearch/domain:Domain", "d", in{"engineVersion": "OpenSearch_2.3"})
		},
			func(b *graphtest.Builder) {
				b.Get("opensearch/domain:Domain", "d").Inputs["engineVersion"] = "OpenSearch_2.5"
			},
			[]string{"update OpenSearch Domain d (unsure)",
				"engineVersion: OpenSearch_2.3 → OpenSearch_2.5 (may replace)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, c.build, c.change)
			var got []string
			for _, change := range between(base, head).Environments[0].Changes {
				line := fmt.Sprintf("%s %s", change.Action, change)
				if change.Unsure {
					line += " (unsure)"
				}
				got = append(got, line)
				for _, p := range change.Properties {
					line := fmt.Sprintf("%s: %s → %s", p.Path, p.Before, p.After)
					if p.Verdict != "" && p.Verdict != InPlace {
						line += " (" + string(p.Verdict) + ")"
					}
					got = append(got, line)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestDangers(t *testing.T) {
	for _, c := range []struct {
		name          string
		build, change func(b *graphtest.Builder)
		want          []string
	}{
		{"a protected database is replaced", func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "db", in{"storageEncrypted": false}).Options.Protect = true
		},
			func(b *graphtest.Builder) { b.Get("rds/instance:Instance", "db").Inputs["storageEncrypted"] = true },
			[]string{"**RDS Instance** `db` is replaced by a new, empty one (because of `storageEncrypted`), and its " +
				"data with it; Pulumi refuses, because it is protected, and the whole deployment fails."}},
		{"a table that AWS protects", func(b *graphtest.Builder) {
			b.Add("dynamodb/table:Table", "files", in{"hashKey": "a", "deletionProtectionEnabled": true})
		},
			func(b *graphtest.Builder) { b.Get("dynamodb/table:Table", "files").Inputs["hashKey"] = "b" },
			[]string{"**DynamoDB Table** `files` is replaced by a new, empty one (because of `hashKey`), and its " +
				"records " +
				"with it; AWS refuses, because of its deletion protection, and the deployment stops halfway."}},
		{"an address", func(b *graphtest.Builder) {
			b.Add("lb/loadBalancer:LoadBalancer", "site", in{"internal": false})
		},
			func(b *graphtest.Builder) { b.Get("lb/loadBalancer:LoadBalancer", "site").Inputs["name"] = "other" },
			[]string{"**ELB LoadBalancer** `site` is replaced by a new one (because of `name`), and with it its DNS " +
				"name; without a domain that is the site's address."}},
		{"backups are kept for fewer days", func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "db", in{"backupRetentionPeriod": 14})
		},
			func(b *graphtest.Builder) { b.Get("rds/instance:Instance", "db").Inputs["backupRetentionPeriod"] = 1.0 },
			[]string{"**RDS Instance** `db`: backups are kept for 1 day instead of 14 (`backupRetentionPeriod`)."}},
		{"a minor upgrade", func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "db", in{"engine": "mysql", "engineVersion": "8.4.6"})
		},
			func(b *graphtest.Builder) { b.Get("rds/instance:Instance", "db").Inputs["engineVersion"] = "8.4.7" },
			[]string{"**RDS Instance** `db`: the database is upgraded, which takes it down for many minutes and " +
				"cannot " +
				"be undone except with a snapshot (`engineVersion`: 8.4.6 → 8.4.7)."}},
		{"a major upgrade that is allowed", func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "db", in{"engine": "mysql", "engineVersion": "8.4"})
		},
			func(b *graphtest.Builder) {
				b.Set("aws:rds/instance:Instance", "db", "engineVersion", "9.7").Set("aws:rds/instance:Instance", "db",
					"allowMajorVersionUpgrade", true)
			},
			[]string{"**RDS Instance** `db`: the database is upgraded, which takes it down for many minutes and " +
				"cannot " +
				"be undone except with a snapshot (`engineVersion`: 8.4 → 9.7)."}},
		{"a major upgrade that is not", func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "db", in{"engine": "mysql", "engineVersion": "8.4"})
		},
			func(b *graphtest.Builder) { b.Get("rds/instance:Instance", "db").Inputs["engineVersion"] = "9.7" },
			[]string{
				"**RDS Instance** `db`: the database is upgraded, which takes it down for many minutes and cannot be " +
					"undone except with a snapshot (`engineVersion`: 8.4 → 9.7).",
				"**RDS Instance** `db`: AWS refuses another major version unless `allowMajorVersionUpgrade` is " +
					"true, so " +
					"the deployment fails halfway.",
			}},
		{"the way back", func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "db",
				in{"engine": "mysql", "engineVersion": "8.4", "allowMajorVersionUpgrade": true})
		},
			func(b *graphtest.Builder) { b.Get("rds/instance:Instance", "db").Inputs["engineVersion"] = "8.0" },
			[]string{
				"**RDS Instance** `db`: AWS does not downgrade a database to an earlier major version, so the " +
					"deployment " +
					"fails halfway.",
			}},
		{"PostgreSQL's minor version", func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "db", in{"engine": "postgres", "engineVersion": "16.3"})
		},
			func(b *graphtest.Builder) { b.Get("rds/instance:Instance", "db").Inputs["engineVersion"] = "16.4" },
			[]string{"**RDS Instance** `db`: the database is upgraded, which takes it down for many minutes and " +
				"cannot " +
				"be undone except with a snapshot (`engineVersion`: 16.3 → 16.4)."}},
		{"protection that is turned on", func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "db", in{"deletionProtection": false})
		},
			func(b *graphtest.Builder) { b.Get("rds/instance:Instance", "db").Inputs["deletionProtection"] = true },
			nil},
		{"a role that may do more", func(b *graphtest.Builder) {
			b.Add("iam/role:Role", "app", in{"assumeRolePolicy": `{"Statement":[]}`})
		},
			func(b *graphtest.Builder) {
				b.Add("iam/rolePolicy:RolePolicy", "app",
					in{"role": "role-app",
						"policy": `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a"}}`})
			},
			[]string{"Role `app` may `s3:*` on `arn:aws:s3:::a`."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, c.build, c.change)
			var got []string
			for _, d := range between(base, head).Environments[0].Dangers {
				got = append(got, d.What)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestMigrations(t *testing.T) {
	base := []File{{"m/00001_a.sql", "CREATE TABLE a (id INT);"}, {"m/00003_c.sql", "CREATE INDEX c ON a (id);"}}
	for _, c := range []struct{ name, path, text, want string }{
		{"another table", "m/00004_d.sql", "-- why; not\n-- +goose Up\nCREATE TABLE IF NOT EXISTS d (\n id INT\n);",
			"safe: a new table"},
		{"an index", "m/00004_d.sql", "CREATE INDEX d ON a (id);", "safe: a new index"},
		{"a unique index", "m/00004_d.sql", "CREATE UNIQUE INDEX d ON a (id);", "unsafe: a unique index refuses"},
		{"a column", "m/00004_d.sql", "ALTER TABLE a ADD COLUMN b VARCHAR(40) NULL;", "safe: a new column"},
		{"a column with a default", "m/00004_d.sql", "ALTER TABLE a ADD b VARCHAR(40) NOT NULL DEFAULT ', DROP a';",
			"safe: a new column"},
		{"a column that has to be filled", "m/00004_d.sql", "alter table a add column b int not null;",
			"unsafe: the new column has to be filled"},
		{"a column that refers", "m/00004_d.sql", "ALTER TABLE a ADD COLUMN b INT REFERENCES c (id);",
			"unsafe: the new column is constrained"},
		{"a column and the loss of another", "m/00004_d.sql",
			"ALTER TABLE a ADD COLUMN b DECIMAL(4, 2), DROP COLUMN id;", "unsafe: it changes or takes away"},
		{"another type", "m/00004_d.sql", "ALTER TABLE a MODIFY id BIGINT;", "unsafe: it changes or takes away"},
		{"a constraint", "m/00004_d.sql", "ALTER TABLE a ADD CONSTRAINT x CHECK (id > 0);",
			"unsafe: the constraint refuses"},
		{"a loss", "m/00004_d.sql", "DROP TABLE a;", "unsafe: DROP is no statement that only adds"},
		{"data", "m/00004_d.sql", "UPDATE a SET id = 1;", "unsafe: UPDATE is no statement that only adds"},
		{"two statements", "m/00004_d.sql", "CREATE TABLE d (id INT); DROP TABLE a;",
			"unsafe: it has more than one statement"},
		{"out of order", "m/00002_b.sql", "CREATE TABLE d (id INT);", "unsafe: its number is below one"},
		{"changed", "m/00003_c.sql", "CREATE INDEX c ON a (id, id);", "unsafe: it was changed after"},
		{"another comment", "m/00003_c.sql", "-- new\nCREATE /* here */ INDEX c # and here\n ON a (id);", ""},
		{"a comment's sign within quotes", "m/00004_d.sql",
			"ALTER TABLE a ADD COLUMN b VARCHAR(4) DEFAULT '--', DROP COLUMN age;", "unsafe: it changes or takes away"},
		{"an escaped quote", "m/00004_d.sql",
			`ALTER TABLE a ADD COLUMN b VARCHAR(40) DEFAULT 'it\\', DROP COLUMN age, COMMENT '' -- ';`,
			"unsafe: it changes or takes away"},
		{"a default in a comment", "m/00004_d.sql", "ALTER TABLE a ADD b INT NOT NULL COMMENT 'DEFAULT 1';",
			"unsafe: the new column has to be filled"},
		{"a default that is NULL", "m/00004_d.sql", "ALTER TABLE a ADD b INT NOT NULL DEFAULT NULL;",
			"unsafe: the new column has to be filled"},
		{"words of SQL in a comment", "m/00004_d.sql",
			"ALTER TABLE a ADD b INT NULL COMMENT 'UNIQUE, PRIMARY KEY; REFERENCES x';", "safe: a new column"},
		{"a default that is computed", "m/00004_d.sql",
			"ALTER TABLE a ADD b CHAR(36) NOT NULL DEFAULT (UUID());", "unsafe: for a default that is computed"},
		{"the time as a default", "m/00004_d.sql",
			"ALTER TABLE a ADD b DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE NOW();", "safe: a new column"},
		{"a default below zero", "m/00004_d.sql", "ALTER TABLE a ADD (b INT NOT NULL DEFAULT -1, c TEXT);",
			"safe: a new column"},
		{"one of two columns that has to be filled", "m/00004_d.sql", "ALTER TABLE a ADD (b INT, c INT NOT NULL);",
			"unsafe: the new column has to be filled"},
		{"a stored column", "m/00004_d.sql", "ALTER TABLE a ADD b INT AS (id + 1) STORED;",
			"unsafe: to compute a stored column"},
		{"a computed column", "m/00004_d.sql", "ALTER TABLE a ADD b INT AS (id + 1);",
			"unsafe: where the new column cannot be computed"},
		{"a foreign key of a new table", "m/00004_d.sql",
			"CREATE TABLE d (a INT, FOREIGN KEY (a) REFERENCES a (id));", "unsafe: the foreign key keeps"},
		{"a foreign key of a new column", "m/00004_d.sql", "CREATE TABLE d (a INT REFERENCES a (id));",
			"unsafe: the foreign key keeps"},
		{"a foreign key to the new table", "m/00004_d.sql",
			"CREATE TABLE d (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES d (id));", "safe: a new table"},
		{"a foreign key", "m/00004_d.sql", "ALTER TABLE a ADD FOREIGN KEY (id) REFERENCES c (id) ON DELETE CASCADE;",
			"unsafe: the constraint refuses"},
		{"a check that is not enforced", "m/00004_d.sql", "ALTER TABLE a ADD CHECK (id > 0) NOT ENFORCED;",
			"safe: nothing that the old version would see"},
		{"a table of another's rows", "m/00004_d.sql", "CREATE TABLE d AS SELECT * FROM a;", "unsafe: it copies rows"},
		{"a copy", "m/00004_d.sql", "ALTER TABLE a ADD COLUMN b INT, ALGORITHM=COPY, LOCK=EXCLUSIVE;",
			"unsafe: with ALGORITHM=COPY"},
		{"a lock", "m/00004_d.sql", "CREATE INDEX d ON a (id) LOCK=SHARED;", "unsafe: with LOCK=SHARED"},
		{"an instant", "m/00004_d.sql", "ALTER TABLE a ADD COLUMN b INT, ALGORITHM=INSTANT;", "safe: a new column"},
		{"an index that is no instant", "m/00004_d.sql", "ALTER TABLE a ADD INDEX (id), ALGORITHM=INSTANT;",
			"unsafe: MySQL refuses ALGORITHM=INSTANT"},
		{"in place", "m/00004_d.sql", "CREATE INDEX d ON a (id) ALGORITHM=INPLACE LOCK=NONE;", "safe: a new index"},
		{"a full-text index", "m/00004_d.sql", "ALTER TABLE a ADD FULLTEXT INDEX (name);",
			"unsafe: while it makes such an index"},
		{"an index of an expression", "m/00004_d.sql", "CREATE INDEX d ON a ((CAST(name AS UNSIGNED)));",
			"unsafe: an index of an expression"},
		{"a comment that MySQL runs", "m/00004_d.sql", "ALTER TABLE a ADD b INT /*!80000 , DROP COLUMN id */;",
			"unjudged: whether a database runs"},
		{"a JSON with a default", "m/00004_d.sql", "ALTER TABLE a ADD b JSON NOT NULL DEFAULT '{}';",
			"unsafe: MySQL refuses '{}' as a default here: a column of type BLOB, TEXT, JSON"},
		{"a text with a default in a new table", "m/00004_d.sql", "CREATE TABLE c (id INT PRIMARY KEY, b TEXT " +
			"DEFAULT '');",
			"unsafe: MySQL refuses '' as a default here"},
		{"a text that may be NULL", "m/00004_d.sql", "ALTER TABLE a ADD b TEXT DEFAULT NULL;", "safe: a new column"},
		{"a number that is none", "m/00004_d.sql", "ALTER TABLE a ADD b INT DEFAULT 'abc';",
			"unsafe: MySQL refuses 'abc' as a default here"},
		{"a number that is too large", "m/00004_d.sql", "ALTER TABLE a ADD b TINYINT NOT NULL DEFAULT 300;",
			"unsafe: MySQL refuses 300 as a default here: it is out of the column's range"},
		{"a number without a sign", "m/00004_d.sql", "ALTER TABLE a ADD b TINYINT UNSIGNED NOT NULL DEFAULT 200;",
			"safe: a new column"},
		{"a decimal that is too large", "m/00004_d.sql", "ALTER TABLE a ADD b DECIMAL(4,2) NOT NULL DEFAULT 100.5;",
			"unsafe: MySQL refuses 100.5 as a default here: it is out of the column's range"},
		{"a word that is too long", "m/00004_d.sql", "ALTER TABLE a ADD b VARCHAR(3) NOT NULL DEFAULT 'abcd';",
			"unsafe: MySQL refuses 'abcd' as a default here: it is longer than the column"},
		{"a word that it does not have", "m/00004_d.sql", "ALTER TABLE a ADD b ENUM('x', 'y') NOT NULL DEFAULT 'z';",
			"unsafe: MySQL refuses 'z' as a default here: the column does not have it"},
		{"a word that it has", "m/00004_d.sql", "ALTER TABLE a ADD b ENUM('x', 'y') NOT NULL DEFAULT 'y';",
			"safe: a new column"},
		{"no day", "m/00004_d.sql", "ALTER TABLE a ADD b TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00';",
			"unsafe: MySQL refuses '0000-00-00 00:00:00' as a default here: it is no date"},
		{"a day", "m/00004_d.sql", "ALTER TABLE a ADD b DATE NOT NULL DEFAULT '2024-02-29';", "safe: a new column"},
		{"a truth", "m/00004_d.sql", "ALTER TABLE a ADD b BOOLEAN NOT NULL DEFAULT TRUE;", "safe: a new column"},
		{"bits", "m/00004_d.sql", "ALTER TABLE a ADD b BIT(1) NOT NULL DEFAULT b'1';", "safe: a new column"},
		{"the present time as a number", "m/00004_d.sql", "ALTER TABLE a ADD b INT DEFAULT CURRENT_TIMESTAMP;",
			"unsafe: MySQL has the present time as a default for DATETIME and TIMESTAMP only"},
		{"the present time with other digits", "m/00004_d.sql",
			"ALTER TABLE a ADD b DATETIME(6) DEFAULT CURRENT_TIMESTAMP;",
			"unsafe: MySQL refuses the present time as a default unless it has as many digits as the column " +
				"(6): write"},
		{"the present time with its digits", "m/00004_d.sql",
			"ALTER TABLE a ADD b DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6);", "safe: a new column"},
		{"a very long text", "m/00004_d.sql", "ALTER TABLE a ADD b VARCHAR(20000) NULL;",
			"unsafe: a VARCHAR of more than 16383 characters is too long for MySQL"},
		{"a very long text of one byte each", "m/00004_d.sql",
			"ALTER TABLE a ADD b VARCHAR(20000) CHARACTER SET latin1 NULL;", "safe: a new column"},
		{"an index, if there is none", "m/00004_d.sql", "CREATE INDEX IF NOT EXISTS i ON a (id);",
			"unsafe: MySQL has IF NOT EXISTS for tables"},
		{"a column, if there is none", "m/00004_d.sql", "ALTER TABLE a ADD COLUMN IF NOT EXISTS b INT NULL;",
			"unsafe: MySQL has IF NOT EXISTS for tables"},
		{"a key, if there is none", "m/00004_d.sql", "ALTER TABLE a ADD INDEX IF NOT EXISTS i (id);",
			"unsafe: MySQL has IF NOT EXISTS for tables"},
		{"a table, if there is none", "m/00004_d.sql", "CREATE TABLE IF NOT EXISTS c (id INT);", "safe: a new table"},
		{"a word that MySQL reserves", "m/00004_d.sql", "ALTER TABLE a ADD manual INT NULL;",
			"unsafe: MySQL takes manual for a name only in quotes"},
		{"a word that MySQL reserves, in quotes", "m/00004_d.sql",
			"ALTER TABLE a ADD `manual` INT NULL COMMENT 'system';", "safe: a new column"},
		{"rows in memory", "m/00004_d.sql", "CREATE TABLE c (id INT PRIMARY KEY) ENGINE=MEMORY;",
			"unsafe: rows of a table of engine MEMORY may be lost"},
		{"rows on a disk", "m/00004_d.sql", "CREATE TABLE c (id INT PRIMARY KEY) ENGINE=InnoDB;", "safe: a new table"},
		{"an option of another database", "m/00004_d.sql", "CREATE TABLE c (id INT) SHARD_ROW_ID_BITS = 4;",
			"unjudged: nothing is known of a table"},
		{"a key of another database", "m/00004_d.sql", "CREATE TABLE c (id INT PRIMARY KEY CLUSTERED);",
			"unjudged: nothing is known of a column"},
		{"a view", "m/00004_d.sql", "CREATE VIEW v AS SELECT id FROM a;", "safe: a new view"},
		{"a view of what MySQL reserves", "m/00004_d.sql", "CREATE VIEW v AS SELECT id AS system FROM a;",
			"unjudged: MySQL takes system for a name only in quotes"},
		{"another view", "m/00004_d.sql", "CREATE OR REPLACE VIEW v AS SELECT id FROM a;", "unsafe: CREATE is no"},
		{"no SQL", "m/00004_d.sql", "ALTER TABLE a ADD COLUMN;", "unjudged: it cannot be read"},
		{"quotes that do not end", "m/00004_d.sql", "CREATE TABLE d (id INT) COMMENT 'x;",
			"unjudged: it cannot be read"},
		{"a shape", "m/00004_d.sql", "ALTER TABLE a ADD COLUMN b GEOMETRY NOT NULL SRID 4326;",
			"unjudged: it cannot be read"},
		{"another database's column", "m/00004_d.sql", "CREATE TABLE d (id BIGINT AUTO_RANDOM PRIMARY KEY);",
			"unjudged: nothing is known"},
		{"variables of the environment", "m/00004_d.sql",
			"-- +goose Up\n-- +goose ENVSUB ON\nALTER TABLE a ADD b INT NULL ${MORE};", "unjudged: it is written anew"},
		{"the way back", "m/00004_d.sql",
			"-- +goose Up\nCREATE TABLE d (id INT);\n-- +goose Down\nDROP TABLE d;\n", "safe: a new table"},
		{"only a comment", "m/00004_d.sql", "-- later\n", "safe: no statement"},
	} {
		t.Run(c.name, func(t *testing.T) {
			head := slices.Clone(base)
			if i := slices.IndexFunc(head, func(f File) bool { return f.Path == c.path }); i >= 0 {
				head[i].Text = c.text
			} else {
				head = append(head, File{c.path, c.text})
			}
			slices.SortFunc(head, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
			got := ""
			for _, m := range migrations(base, head) {
				switch got = "safe: " + m.Note; {
				case m.Unjudged:
					got = "unjudged: " + m.Unsafe
				case m.Unsafe != "":
					got = "unsafe: " + m.Unsafe
				}
			}
			if !strings.HasPrefix(got, c.want) || got != "" && c.want == "" {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := migrations(base, base[:1]); len(got) != 1 || !strings.HasPrefix(got[0].Unsafe, "it was removed") {
		t.Errorf("a migration that is gone: %+v", got)
	}
}

// TestStatement: what is shown of a migration is all that runs, and two texts that differ in more than comments do not
// look alike.
func TestStatement(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"ALTER TABLE a -- why\n  ADD b INT;", "ALTER TABLE a ADD b INT;"},
		{"ADD b TEXT DEFAULT '--', DROP COLUMN age;", "ADD b TEXT DEFAULT '--', DROP COLUMN age;"},
		{"ADD b TEXT DEFAULT 'it''s # \\' /* one */', DROP c", "ADD b TEXT DEFAULT 'it''s # \\' /* one */', DROP c"},
		{"SELECT 1--1, 2 /* no */, \"/*\", `--`", "SELECT 1--1, 2 , \"/*\", `--`"},
		{"DROP /*!80000 TABLE */ a # end", "DROP /*!80000 TABLE */ a"},
		{"a /* without an end", "a"}, {"'without an end -- ", "'without an end -- "},
		{"-- +goose Up\na;\n-- +goose Down\nb;\n", "a;"},
		{"-- +goose Up\n-- +goose StatementBegin\na;\n-- +goose StatementEnd\n", "a;"},
	} {
		if got := statement(upward(c.text)); got != strings.TrimSpace(c.want) {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

// TestUnjudged: the title counts the migrations that nobody could judge, apart from those that are not safe.
func TestUnjudged(t *testing.T) {
	p := Make(Revision{}, Revision{Migrations: []File{{"1.sql", "DROP TABLE a;"}, {"2.sql", "DRAP TABLE a;"},
		{"3.sql", "CREATE TABLE b (id INT);"}, {"4.sql", "SELEKT;"}}})
	const want = "## Plan: ⛔ 3 migrations that are not safe, of which 2 cannot be judged\n"
	if text := p.Markdown(); !strings.HasPrefix(text, want) {
		t.Errorf("got %q", cut(text, 200))
	}
}

// TestLimit: however much changes, the comment is one that GitHub takes, it tells what it leaves out, and the dangers
// are all there.
func TestLimit(t *testing.T) {
	for _, n := range []int{10, 160, 1200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				for i := range n {
					b.Add("s3/bucketV2:BucketV2", fmt.Sprintf("bucket-%04d", 7*i),
						in{"bucket": fmt.Sprintf("name-%04d", i)})
					b.Add("cloudwatch/metricAlarm:MetricAlarm", fmt.Sprintf("alarm-%04d", i),
						in{"period": 60, "threshold": i, "alarmDescription": strings.Repeat("long ", 100)})
				}
			}, func(b *graphtest.Builder) {
				for i := range n {
					b.Get("s3/bucketV2:BucketV2",
						fmt.Sprintf("bucket-%04d", 7*i)).Inputs["bucket"] = fmt.Sprintf("other-%04d", i)
					b.Get("cloudwatch/metricAlarm:MetricAlarm",
						fmt.Sprintf("alarm-%04d", i)).Inputs["alarmDescription"] = strings.Repeat(fmt.Sprint("other", i,
						" "), 100)
				}
			})
			p := between(base, head)
			text := p.Markdown()
			if n := size(text); n > Limit {
				t.Errorf("the comment has %d characters", n)
			}
			if whole := n == 10; whole == strings.Contains(text, "Left out, because a comment takes") {
				t.Errorf("the comment says what is left out: %t", !whole)
			}
			top, _, _ := strings.Cut(text, "| --- |")
			named := strings.Count(top, "bucket-")
			if n < 1200 && named != n {
				t.Errorf("%d of %d buckets that are replaced stand at the top", named, n)
			}
			if n == 1200 &&
				(!strings.Contains(top, "Each of 1200 **BucketV2** (") ||
					!strings.Contains(top, fmt.Sprintf(", %d more) is replaced by a new, empty one", n-named))) {
				t.Errorf("the top does not count all buckets that are replaced:\n%s", cut(top, 2000))
			}
			if open, closed := strings.Count(text, "<details>"), strings.Count(text, "</details>"); open != closed {
				t.Errorf("%d parts begin and %d end", open, closed)
			}
		})
	}
}

// TestHunks: lines that differ, and no others, with their place.
func TestHunks(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          []hunk
	}{
		{"a b c", "a b c", nil},
		{"a b c", "a x c", []hunk{{2, "b", "x"}}},
		{"a b c", "a c", []hunk{{2, "b", ""}}},
		{"a c", "a b c d", []hunk{{2, "", "b"}, {4, "", "d"}}},
		{"a", "b", []hunk{{1, "a", "b"}}},
	} {
		if got := hunks(strings.Fields(c.before), strings.Fields(c.after)); !slices.Equal(got, c.want) {
			t.Errorf("%q to %q: got %+v, want %+v", c.before, c.after, got, c.want)
		}
	}
}

// TestCode: nothing in a name ends the code span that it stands in, or the line.
func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"files": "`files`", "": "` `", "a`b": "`` a`b ``", "a``b": "``` a``b ```", "``` ``": "```` ``` `` ````",
		"a\n\n# b": "`a ⏎ ⏎ # b`", "a\r\n<b>": "`a ⏎ <b>`",
	} {
		if got := code(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	change := Change{Type: "aws:s3/bucketV2:BucketV2", Kind: "BucketV2", Name: "a`\n\n# b ![c](//d)", Action: Update,
		Properties: []Property{{Path: "tags.`\n## e", Before: "f", After: "g"}}}
	text := Environment{Name: "e", Changes: []Change{change}}.changes(false)
	const want = "- update BucketV2 `` a` ⏎ ⏎ # b ![c](//d) ``\n  - `` tags.` ⏎ ## e ``: `f` → `g`\n"
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}
