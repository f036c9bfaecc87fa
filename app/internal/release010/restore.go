package release010

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	_ "github.com/glebarez/go-sqlite" // the program's own driver
	"github.com/go-sql-driver/mysql"

	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// Embedded restores the data folder, and returns its path.
func Embedded(t testing.TB) (*Manifest, string) {
	t.Helper()
	m, folder := load(t, "embedded"), filepath.Join(teststores.Folder(t), "data")
	write := func(name string, data []byte) {
		name = filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.each(t, "folder", write)
	for _, empty := range m.EmptyFolders {
		if err := os.MkdirAll(filepath.Join(folder, filepath.FromSlash(empty)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"people", "catalog"} {
		write(name+".db", nil)
		db, err := sql.Open("sqlite", filepath.Join(folder, name+".db"))
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(t.Context(), string(m.read(t, name+".sql"))); err != nil {
			t.Fatalf("restore the database of the %s: %v", name, err)
		}
		// Closing brings all of a database into its one file.
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return m, folder
}

// The names that the database, the table and the bucket had.
const name, resources = "dossier", "dossier-files"

// Servers starts the servers and restores what was on them.
func Servers(t *testing.T) (*Manifest, *teststores.Servers) {
	t.Helper()
	m := load(t, "servers")
	c := &teststores.Servers{
		MySQL: servers.MariaDB(t), S3: servers.S3(t), DynamoDB: servers.DynamoDB(t),
		Database: name, User: name, Password: m.DatabasePassword, Bucket: resources, Table: resources,
	}
	m.restoreDatabase(t, c)
	uploads := m.restoreBucket(t, c)
	m.restoreTable(t, c, uploads)
	return m, c
}

// restoreDatabase makes the database, with the app's user.
func (m *Manifest) restoreDatabase(t *testing.T, c *teststores.Servers) {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(c.MySQL.Host, strconv.Itoa(c.MySQL.Port))
	cfg.User, cfg.Passwd = c.MySQL.AdminUser, c.MySQL.AdminPassword
	cfg.MultiStatements = true
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), string(m.read(t, "people.sql"))); err != nil {
		t.Fatalf("restore the database: %v", err)
	}
}

// upload is a multipart upload that was not finished.
type upload struct {
	Key   string  `json:"key"`
	ID    string  `json:"id"`
	Parts []int32 `json:"parts"`
}

// folder is where its parts are.
func (u *upload) folder() string {
	return "uploads/" + strings.ReplaceAll(strings.TrimPrefix(u.Key, "files/"), "/", ".")
}

// restoreBucket makes the bucket, and returns the present ids of the unfinished uploads by those that they had.
func (m *Manifest) restoreBucket(t *testing.T, c *teststores.Servers) map[string]string {
	t.Helper()
	client := c.Buckets()
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &c.Bucket}); err != nil {
		t.Fatalf("create the bucket: %v", err)
	}
	m.each(t, "bucket", func(key string, data []byte) {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &c.Bucket, Key: &key, Body: bytes.NewReader(data), ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme,
		})
		if err != nil {
			t.Fatalf("restore object %s: %v", key, err)
		}
	})
	ids := map[string]string{}
	for _, u := range m.Uploads {
		out, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
			Bucket: &c.Bucket, Key: &u.Key,
			ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme, ChecksumType: s3types.ChecksumTypeFullObject,
		})
		if err != nil {
			t.Fatalf("restore the upload to %s: %v", u.Key, err)
		}
		ids[u.ID] = *out.UploadId
		for _, part := range u.Parts {
			_, err := client.UploadPart(t.Context(), &s3.UploadPartInput{
				Bucket: &c.Bucket, Key: &u.Key, UploadId: out.UploadId, PartNumber: &part,
				Body:              bytes.NewReader(m.read(t, fmt.Sprintf("%s/%05d", u.folder(), part))),
				ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme,
			})
			if err != nil {
				t.Fatalf("restore part %d of the upload to %s: %v", part, u.Key, err)
			}
		}
	}
	return ids
}

// restoreTable makes the table, with the present ids of uploads.
func (m *Manifest) restoreTable(t *testing.T, c *teststores.Servers, uploads map[string]string) {
	t.Helper()
	client := dynamodb.NewFromConfig(c.DynamoDB.Config())
	var table dynamodb.CreateTableInput
	if err := json.Unmarshal(m.read(t, "table.json"), &table); err != nil {
		t.Fatalf("read the table: %v", err)
	}
	if _, err := client.CreateTable(t.Context(), &table); err != nil {
		t.Fatalf("create the table: %v", err)
	}
	quickly := func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 10*time.Millisecond, time.Second }
	err := dynamodb.NewTableExistsWaiter(client, quickly).
		Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: table.TableName}, 30*time.Second)
	if err != nil {
		t.Fatalf("wait for the table: %v", err)
	}
	var items []map[string]map[string]string
	if err := json.Unmarshal(m.read(t, "items.json"), &items); err != nil {
		t.Fatalf("read the items: %v", err)
	}
	for _, encoded := range items {
		item := map[string]types.AttributeValue{}
		for name, value := range encoded {
			for kind, text := range value {
				switch kind {
				case "S":
					item[name] = &types.AttributeValueMemberS{Value: text}
				case "N":
					item[name] = &types.AttributeValueMemberN{Value: text}
				default:
					t.Fatalf("attribute %s is of kind %s", name, kind)
				}
			}
		}
		if transfer := encoded["upload_transfer"]["S"]; encoded["state"]["S"] == "uploading" && uploads[transfer] != "" {
			item["upload_transfer"] = &types.AttributeValueMemberS{Value: uploads[transfer]}
		}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table.TableName, Item: item}); err != nil {
			t.Fatalf("restore item %s of person %s: %v", encoded["file_id"]["S"], encoded["person_id"]["S"], err)
		}
	}
}
