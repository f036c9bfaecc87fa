// Package teststores opens the three stores for tests: the embedded ones, or those of the cloud on real servers. Tests
// may import it, and the local cloud (app/internal/cloud).
package teststores

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/app"
	"dossier.example/app/catalog"
	"dossier.example/app/internal/servers"
	"dossier.example/app/migrations"
	"dossier.example/app/objects"
	"dossier.example/app/people"
)

// Stores are the three stores of a test. They are closed with it.
type Stores struct {
	People  dossier.People
	Catalog dossier.Catalog
	Objects dossier.Objects
}

// Folder returns an empty folder for embedded stores, in memory where the system offers that: every write is forced to
// the disk, and hundreds of tests would mostly wait for it.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "dossier-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Migrated returns a folder for embedded stores whose databases have their tables already, and nothing in them: making
// those takes longer than most tests.
func Migrated(t testing.TB) string {
	t.Helper()
	folder := Folder(t)
	files, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// migrated makes the databases once for all tests of a process, and returns their files.
var migrated = sync.OnceValues(func() (map[string][]byte, error) {
	folder, err := os.MkdirTemp("", "dossier-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	ctx := context.Background()
	p, err := people.OpenSQLite(ctx, filepath.Join(folder, "people.db"))
	if err != nil {
		return nil, err
	}
	c, err := catalog.OpenSQLite(ctx, filepath.Join(folder, "catalog.db"))
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	// Closing brings all of a database into its one file.
	if err := errors.Join(p.Close(), c.Close()); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range []string{"people.db", "catalog.db"} {
		if files[name], err = os.ReadFile(filepath.Join(folder, name)); err != nil {
			return nil, err
		}
	}
	return files, nil
})

// Embedded opens the embedded stores in a folder, as the command does, so that both may work in the same folder.
func Embedded(t testing.TB, folder string) Stores {
	t.Helper()
	p, err := people.OpenSQLite(t.Context(), filepath.Join(folder, "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	c, err := catalog.OpenSQLite(t.Context(), filepath.Join(folder, "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return Stores{p, c, directory(t, folder)}
}

// directory opens the embedded objects in the folder of embedded stores.
func directory(t testing.TB, folder string) *objects.Directory {
	t.Helper()
	o, err := objects.OpenDirectory(filepath.Join(folder, "objects"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// Servers are MariaDB, an S3 server and a DynamoDB server, with an empty database, bucket and table for one test.
type Servers struct {
	MySQL    *servers.MySQL
	S3       *servers.AWS
	DynamoDB *servers.AWS
	// Database, Bucket and Table are their names; User and Password are the app's own at the database.
	Database, Bucket, Table, User, Password string
}

var (
	shared = servers.Shared(launch)
	// tests counts those that were given a bucket and a table on the shared servers.
	tests atomic.Int64
	// spare are the databases of tests that have ended, emptied: to make one takes longer than many a test.
	spare = make(chan database, 16)
)

// database is a database of the shared server, as the migrations make it.
type database struct{ name, user, password string }

func launch(t servers.T) Servers {
	t.Helper()
	return Servers{MySQL: servers.MariaDB(t), S3: servers.S3(t), DynamoDB: servers.DynamoDB(t)}
}

// Cloud makes a database by the migrations, a bucket and a table, on servers that all tests of a package share: a test
// neither stops nor pauses them.
func Cloud(t servers.T) *Servers {
	t.Helper()
	c := shared(t)
	c.name(fmt.Sprint(tests.Add(1)))
	c.prepare(t)
	open := func(ctx context.Context, database string) (*sql.DB, error) {
		return people.ConnectMySQL(ctx, people.MySQLConfig{
			Host: c.MySQL.Host, Port: c.MySQL.Port, Name: database, User: c.MySQL.AdminUser, Password: c.MySQL.AdminPassword,
			TLS: true, CAFile: c.MySQL.CAFile, Migrates: true,
		})
	}
	select {
	case db := <-spare:
		c.Database, c.User, c.Password = db.name, db.user, db.password
	default:
		app := migrations.App{Database: c.Database, User: c.User, Password: c.Password, RequireTLS: true}
		if _, err := migrations.Provision(t.Context(), open, app); err != nil {
			t.Fatalf("provision the database: %v", err)
		}
	}
	t.Cleanup(func() { c.giveBack(t, open) })
	return &c
}

// giveBack empties the database for another test.
func (c *Servers) giveBack(t servers.T, open func(context.Context, string) (*sql.DB, error)) {
	t.Helper()
	db, err := open(context.Background(), c.Database)
	if err != nil {
		t.Errorf("connect to the database that the test leaves: %v", err)
		return
	}
	err = empty(db)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Errorf("empty the database that the test leaves: %v", err)
		return
	}
	select {
	case spare <- database{c.Database, c.User, c.Password}:
	default: // as many are spare as tests run at once
	}
}

// empty deletes the rows of every table, those of migrations that are still to be written too.
func empty(db *sql.DB) error {
	rows, err := db.Query(`SELECT table_name FROM information_schema.tables
		WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name <> ?`,
		migrations.People.VersionTable())
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return err
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, table := range tables {
		if _, err := db.Exec("DELETE FROM `" + table + "`"); err != nil {
			return err
		}
	}
	return nil
}

// Start starts the servers, and makes the bucket and the table. The database and the app's user are still to be made.
func Start(t servers.T) *Servers {
	t.Helper()
	c := launch(t)
	c.name("")
	c.prepare(t)
	return &c
}

// name names what a test has on the servers.
func (c *Servers) name(nth string) {
	c.Database, c.User, c.Password = "dossier"+nth, "dossier"+nth, rand.Text()
	c.Bucket, c.Table = "dossier-files"+nth, "dossier-files"+nth
}

func (c *Servers) prepare(t servers.T) {
	t.Helper()
	err := Prepare(t.Context(), c.Buckets(), dynamodb.NewFromConfig(c.DynamoDB.Config()), c.Bucket, c.Table)
	if err != nil {
		t.Fatal(err)
	}
}

// Prepare makes the bucket and the table where they are not there yet.
func Prepare(ctx context.Context, buckets *s3.Client, tables *dynamodb.Client, bucket, table string) error {
	var owned *s3types.BucketAlreadyOwnedByYou
	if _, err := buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil && !errors.As(err, &owned) {
		return fmt.Errorf("create the bucket: %w", err)
	}
	var there *dynamodbtypes.ResourceInUseException
	if _, err := tables.CreateTable(ctx, catalog.TableInput(table)); err != nil && !errors.As(err, &there) {
		return fmt.Errorf("create the table: %w", err)
	}
	quickly := func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 10*time.Millisecond, time.Second }
	err := dynamodb.NewTableExistsWaiter(tables, quickly).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &table}, 30*time.Second)
	if err != nil {
		return fmt.Errorf("wait for the table: %w", err)
	}
	return nil
}

// Allow lets pages of the origins send parts of files to the bucket, as the stack does (infra/storage).
func Allow(ctx context.Context, buckets *s3.Client, bucket string, origins ...string) error {
	_, err := buckets.PutBucketCors(ctx, &s3.PutBucketCorsInput{
		Bucket: &bucket,
		CORSConfiguration: &s3types.CORSConfiguration{CORSRules: []s3types.CORSRule{{
			AllowedMethods: []string{http.MethodPut},
			AllowedOrigins: origins,
			AllowedHeaders: []string{"x-amz-checksum-crc64nvme", "content-type"},
			ExposeHeaders:  []string{"ETag", "x-amz-checksum-crc64nvme"},
			MaxAgeSeconds:  aws.Int32(3600),
		}}},
	})
	if err != nil {
		return fmt.Errorf("let pages of %s send to the bucket: %w", strings.Join(origins, ", "), err)
	}
	return nil
}

// Buckets returns a client of the S3 server.
func (c *Servers) Buckets() *s3.Client {
	return s3.NewFromConfig(c.S3.Config(), func(o *s3.Options) { o.UsePathStyle = true })
}

// Stores opens the stores on the servers.
func (c *Servers) Stores(t testing.TB) Stores {
	t.Helper()
	p, err := people.OpenMySQL(t.Context(), people.MySQLConfig{
		Host: c.MySQL.Host, Port: c.MySQL.Port, Name: c.Database, User: c.User, Password: c.Password, TLS: true, CAFile: c.MySQL.CAFile,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	o, err := objects.NewS3(c.S3.Config(), objects.S3Config{Bucket: c.Bucket, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	return Stores{p, catalog.NewDynamoDB(c.DynamoDB.Config(), catalog.DynamoDBConfig{Table: c.Table}), o}
}

// Environ returns the settings that make the command use the servers.
func (c *Servers) Environ() []string {
	return []string{
		"DOSSIER_DB_HOST=" + c.MySQL.Host, fmt.Sprintf("DOSSIER_DB_PORT=%d", c.MySQL.Port), "DOSSIER_DB_NAME=" + c.Database,
		"DOSSIER_DB_USER=" + c.User, "DOSSIER_DB_PASSWORD=" + c.Password, "DOSSIER_DB_CA_FILE=" + c.MySQL.CAFile,
		"DOSSIER_BUCKET=" + c.Bucket, "DOSSIER_S3_PATH_STYLE=true", "DOSSIER_TABLE=" + c.Table,
		"DOSSIER_STAFF_SECRET=" + StaffSecret,
		"AWS_ENDPOINT_URL_S3=" + c.S3.Endpoint, "AWS_ENDPOINT_URL_DYNAMODB=" + c.DynamoDB.Endpoint,
		"AWS_REGION=" + c.S3.Region, "AWS_ACCESS_KEY_ID=" + c.S3.AccessKey, "AWS_SECRET_ACCESS_KEY=" + c.S3.SecretKey,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// StaffSecret is the staff secret of Environ.
const StaffSecret = "staff secret of the tests"
