package catalog

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	dossier "dossier.example/app"
)

// DynamoDB keeps the records in a DynamoDB table.
//
// # The table
//
// TableInput is its definition for tests; the program that builds the real one must agree with it.
//
//   - Partition key person_id (S), sort key file_id (S). A person's files are one consistent query.
//   - Global secondary index "unfinished": hash key unfinished (S), range key updated_at (N), projection ALL. It is
//     sparse: only records that are uploading, deleting or damaged, or in whose scan state there is something to do
//     (waiting, failed, infected), or that are in the trash, have the attribute, which is that and one of 8 shards, so
//     that no single partition of the index takes every write of the table.
//   - Time to live on expires_at (Unix seconds): a belt for records that nobody finished or removed within 7 days. It
//     is gone from a record as soon as that is stored.
//   - All other attributes are free. Of a record: name (File.Path), author, state, size, sha256, crc64, content_type,
//     upload_transfer, upload_size, upload_part_size, object_key, created_at, updated_at (Unix microseconds), revision,
//     writer; of one that is damaged, damage and damaged_at; of one that has a Scan, scan and those that begin with
//     "scan_"; of one in the trash, trashed_at and trashed_by. Of a claim (see Commit): owner, revision; its file_id
//     begins with "~claim#". Of a person's counter (see Reserve): files, bytes, epoch, writer, updated_at; its file_id
//     is "~usage". Of what was seen without an owner: created_at; its file_id begins with "~ownerless#". Of the id of a
//     removed file (see Remove): expires_at; its file_id begins with "~removed#". Of a note: value, writer; its file_id
//     begins with "~note#", and its person_id is that of nobody. "~" sorts after every UUID.
//
// # IAM
//
// On the table's ARN: dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem, dynamodb:Query,
// dynamodb:Scan. On the table's ARN followed by /index/unfinished: dynamodb:Query. Nothing else is called.
//
// # What is not promised
//
//   - Unfinished reads an index, which is usually less than a second behind.
//   - All has the records of one person together because DynamoDB scans in the order of the partitions; AWS does not
//     document it.
//   - A process that dies between two requests of Commit, while somebody else removes the very record that it commits,
//     may leave a claim of about 200 bytes. It is never an answer, stands in nobody's way, and goes with the next
//     Remove of any file of the person.
//   - Time to live removes a record without its object, without its claim, and without uncounting it. Reconciliation
//     finds the object and counts anew.
type DynamoDB struct {
	client  *dynamodb.Client
	table   string
	timeout time.Duration
	page    int32
}

// DynamoDBConfig says which table, and how long it may take.
type DynamoDBConfig struct {
	// Table is the table's name.
	Table string
	// Timeout bounds each request with all its retries; default 5 seconds.
	Timeout time.Duration
}

// NewDynamoDB returns the catalog in a table. It asks nothing of the server; see Ping.
func NewDynamoDB(cfg aws.Config, c DynamoDBConfig) *DynamoDB {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return &DynamoDB{client: dynamodb.NewFromConfig(cfg), table: c.Table, timeout: c.Timeout, page: defaultPage}
}

const (
	unfinishedIndex = "unfinished"
	// shards is a power of two; see shard.
	shards = 8
	// unfinishedLife is what time to live grants an unfinished record from its last change. Reconciliation comes after
	// a day, so this strikes only where nothing reconciles.
	unfinishedLife = 7 * 24 * time.Hour
	// besides begins the sort key of every item that is no record. "~" is greater than every hexadecimal digit.
	besides = "~"
	// usageKey is the sort key of a person's counter.
	usageKey = besides + "usage"
)

// TableInput returns the definition of a table that DynamoDB can work on, without time to live, which is set by a call
// of its own.
func TableInput(name string) *dynamodb.CreateTableInput {
	attribute := func(name string, t types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: t}
	}
	keys := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange},
		}
	}
	return &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("person_id", types.ScalarAttributeTypeS),
			attribute("file_id", types.ScalarAttributeTypeS),
			attribute("unfinished", types.ScalarAttributeTypeS),
			attribute("updated_at", types.ScalarAttributeTypeN),
		},
		KeySchema: keys("person_id", "file_id"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String(unfinishedIndex),
			KeySchema:  keys("unfinished", "updated_at"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
	}
}

// item is one item of the table: a record, a claim (key, Owner and Revision only), or a counter (key, Files, Bytes,
// Epoch, Writer and UpdatedAt).
type item struct {
	Person string `dynamodbav:"person_id"`
	File   string `dynamodbav:"file_id"`
	// Path is File.Path. A release that knows no folders takes it for the name, tells files apart by it as this one
	// does, and makes the same claims.
	Path   string            `dynamodbav:"name,omitempty"`
	Author string            `dynamodbav:"author,omitempty"`
	State  dossier.FileState `dynamodbav:"state,omitempty"`
	Size   *int64            `dynamodbav:"size,omitempty"`
	SHA256 string            `dynamodbav:"sha256,omitempty"`
	CRC64  string            `dynamodbav:"crc64,omitempty"`
	Type   string            `dynamodbav:"content_type,omitempty"`
	// UploadID, UploadSize and PartSize are those of a Multipart: all three, or none.
	UploadID   *string `dynamodbav:"upload_transfer,omitempty"`
	UploadSize *int64  `dynamodbav:"upload_size,omitempty"`
	PartSize   *int64  `dynamodbav:"upload_part_size,omitempty"`
	ObjectKey  string  `dynamodbav:"object_key,omitempty"`
	CreatedAt  *int64  `dynamodbav:"created_at,omitempty"`
	UpdatedAt  *int64  `dynamodbav:"updated_at,omitempty"`
	// ExpiresAt and Unfinished are there until the record is stored.
	ExpiresAt  *int64 `dynamodbav:"expires_at,omitempty"`
	Unfinished string `dynamodbav:"unfinished,omitempty"`
	// Revision, of a record: counted up whenever it is described, from the microsecond of its creation on, so that a
	// record whose id was used before does not repeat a revision. Of a claim: the revision of the record that it was
	// made for.
	Revision int64 `dynamodbav:"revision"`
	// Writer is drawn anew by each Put and Describe, and each change of a counter, so that one whose answer was lost
	// knows its own work when it meets it.
	Writer string `dynamodbav:"writer,omitempty"`
	// Damage and DamagedAt are of a stored record whose object is known to be damaged. Unfinished is there with them.
	Damage    string `dynamodbav:"damage,omitempty"`
	DamagedAt *int64 `dynamodbav:"damaged_at,omitempty"`
	// Scan, ScanDetail, ScanAt, ScanTries, ScanUntil and ScanRevision are those of a Scan; all are absent where a
	// record has none. Unfinished says so where there is something to do.
	Scan         dossier.ScanState `dynamodbav:"scan,omitempty"`
	ScanDetail   string            `dynamodbav:"scan_detail,omitempty"`
	ScanAt       int64             `dynamodbav:"scan_at,omitempty"`
	ScanTries    int               `dynamodbav:"scan_tries,omitempty"`
	ScanUntil    int64             `dynamodbav:"scan_until,omitempty"`
	ScanRevision string            `dynamodbav:"scan_revision,omitempty"`
	// TrashedAt and TrashedBy are those of a Trash. Unfinished is there with them.
	TrashedAt *int64 `dynamodbav:"trashed_at,omitempty"`
	TrashedBy string `dynamodbav:"trashed_by,omitempty"`
	// Value is that of a note.
	Value []byte `dynamodbav:"value,omitempty"`
	// Owner is the id of the file that a claim belongs to.
	Owner string `dynamodbav:"owner,omitempty"`
	// Files, Bytes and Epoch are those of a counter.
	Files *int64 `dynamodbav:"files,omitempty"`
	Bytes *int64 `dynamodbav:"bytes,omitempty"`
	Epoch string `dynamodbav:"epoch,omitempty"`
}

func newItem(f dossier.File) item {
	person, file := f.Person.String(), f.ID.String()
	i := item{
		Person: person, File: file, Path: f.Path(), Author: f.Author, State: dossier.FileUploading, ObjectKey: f.Key(),
		CreatedAt: aws.Int64(f.CreatedAt.UnixMicro()), UpdatedAt: aws.Int64(f.UpdatedAt.UnixMicro()),
		ExpiresAt: aws.Int64(expiry(f.UpdatedAt)), Unfinished: bucket(dossier.FileUploading, shard(f.ID)),
		Writer:   rand.Text(),
		Revision: f.CreatedAt.UnixMicro(),
	}
	if m := f.Multipart; m != nil {
		i.UploadID, i.UploadSize, i.PartSize = &m.UploadID, &m.Size, &m.PartSize
	}
	if c := f.Content; c != nil {
		i.Size, i.SHA256, i.CRC64, i.Type = &c.Size, formatSHA256(c.SHA256), formatCRC64(c.CRC64), c.Type
	}
	if s := f.Scan; s != nil {
		i.Scan, i.ScanDetail, i.ScanAt, i.ScanTries = s.State, s.Detail, micros(s.At), s.Tries
		i.ScanUntil, i.ScanRevision = micros(s.Until), s.Revision
	}
	return i
}

func (i *item) file() (dossier.File, error) {
	f, err := i.parse()
	if err != nil {
		return dossier.File{}, fmt.Errorf("read the record of file %s of person %s: %w", i.File, i.Person, err)
	}
	return f, nil
}

func (i *item) parse() (f dossier.File, err error) {
	if f.Person, f.ID, err = parseKey(i.Person, i.File); err != nil {
		return f, err
	}
	if i.CreatedAt == nil || i.UpdatedAt == nil {
		return f, errors.New("a time is missing")
	}
	f.Folder, f.Name = dossier.SplitPath(i.Path)
	f.Author, f.State = i.Author, i.State
	f.CreatedAt, f.UpdatedAt = instant(*i.CreatedAt), instant(*i.UpdatedAt)
	if i.UploadID != nil {
		if i.UploadSize == nil || i.PartSize == nil {
			return f, errors.New("the size of the file or of its parts is missing")
		}
		f.Multipart = &dossier.Multipart{UploadID: *i.UploadID, Size: *i.UploadSize, PartSize: *i.PartSize}
	}
	if i.Size != nil {
		f.Content, err = parseContent(*i.Size, i.SHA256, i.CRC64, i.Type)
	}
	if i.Damage != "" && f.State == dossier.FileStored {
		f.Damage = &dossier.Damage{Kind: dossier.DamageKind(i.Damage), FoundAt: instant(aws.ToInt64(i.DamagedAt))}
	}
	if i.TrashedAt != nil {
		f.Trash = dossier.Trash{At: instant(*i.TrashedAt), By: i.TrashedBy}
	}
	if i.Scan != "" {
		f.Scan = &dossier.Scan{State: i.Scan, Detail: i.ScanDetail, At: moment(i.ScanAt), Tries: i.ScanTries,
			Until: moment(i.ScanUntil), Revision: i.ScanRevision}
	}
	return f, err
}

func expiry(at time.Time) int64 { return at.Add(unfinishedLife).Unix() }

// shard spreads records over the index. The last bits of a UUIDv7 are random.
func shard(id dossier.FileID) int { return int(id[len(id)-1] % shards) }

// bucket is the index's hash key.
func bucket(state dossier.FileState, shard int) string { return fmt.Sprintf("%s#%d", state, shard) }

// Ping reports whether the table answers; ErrUnavailable. It reads an item that is never there, and so needs no
// permission that the other methods do not need.
func (d *DynamoDB) Ping(ctx context.Context) error {
	_, err := call(ctx, d, "ask the catalog's table", d.client.GetItem,
		&dynamodb.GetItemInput{TableName: &d.table, Key: key("ping", "ping")})
	return err
}

// Put implements dossier.Catalog.
func (d *DynamoDB) Put(ctx context.Context, f dossier.File) error {
	const doing = "put a file record"
	i := newItem(f)
	if retired, err := d.retired(ctx, doing, i, f.UpdatedAt); err != nil || retired {
		return cmp.Or(err, error(errExists))
	}
	err := d.put(ctx, doing, i, absent)
	if !errors.Is(err, errCondition) {
		return err
	}
	found, err := d.get(ctx, doing, i.Person, i.File)
	if err != nil {
		return err
	}
	if found != nil && found.Writer == i.Writer {
		return nil
	}
	return errExists
}

// File implements dossier.Catalog.
func (d *DynamoDB) File(ctx context.Context, person dossier.PersonID, file dossier.FileID) (dossier.File, error) {
	i, err := d.get(ctx, "read a file record", person.String(), file.String())
	if err != nil {
		return dossier.File{}, err
	}
	if i == nil {
		return dossier.File{}, errNotFound
	}
	return i.file()
}

// Files implements dossier.Catalog.
func (d *DynamoDB) Files(ctx context.Context, person dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File,
	error) {
	keys := expression.Key("person_id").Equal(expression.Value(person.String())).
		And(expression.Key("file_id").LessThan(expression.Value(besides)))
	in := &dynamodb.QueryInput{ConsistentRead: aws.Bool(true), Limit: aws.Int32(int32(min(limit, int(d.page))))}
	if after != (dossier.FileID{}) {
		// A query goes on behind any key, whether there is an item of it or not.
		in.ExclusiveStartKey = key(person.String(), after.String())
	}
	return first(d.query(ctx, "list a person's file records", in, keys), limit)
}

// Describe implements dossier.Catalog.
func (d *DynamoDB) Describe(ctx context.Context, person dossier.PersonID, file dossier.FileID, c dossier.Content,
	at time.Time) error {
	const doing = "describe a file"
	writer := rand.Text()
	change := expression.
		Set(expression.Name("size"), expression.Value(c.Size)).
		Set(expression.Name("sha256"), expression.Value(formatSHA256(c.SHA256))).
		Set(expression.Name("crc64"), expression.Value(formatCRC64(c.CRC64))).
		Set(expression.Name("content_type"), expression.Value(c.Type)).
		Set(expression.Name("updated_at"), expression.Value(at.UnixMicro())).
		Set(expression.Name("expires_at"), expression.Value(expiry(at))).
		Set(expression.Name("writer"), expression.Value(writer)).
		Add(expression.Name("revision"), expression.Value(1))
	_, err := d.update(ctx, doing, person.String(), file.String(), change, inState(dossier.FileUploading))
	if !errors.Is(err, errCondition) {
		return err
	}
	// Only this writer's own content can have been committed since, by somebody who took the upload for left behind.
	found, err := d.get(ctx, doing, person.String(), file.String())
	if err != nil {
		return err
	}
	if found != nil && found.Writer == writer && found.State != dossier.FileDeleting {
		return nil
	}
	return errLost
}

// Touch implements dossier.Catalog.
func (d *DynamoDB) Touch(ctx context.Context, person dossier.PersonID, file dossier.FileID, at time.Time) error {
	change := expression.
		Set(expression.Name("updated_at"), expression.Value(at.UnixMicro())).
		Set(expression.Name("expires_at"), expression.Value(expiry(at)))
	_, err := d.update(ctx, "touch a file record", person.String(), file.String(), change,
		inState(dossier.FileUploading))
	if errors.Is(err, errCondition) {
		return errLost
	}
	return err
}

// MarkDeleting implements dossier.Catalog.
func (d *DynamoDB) MarkDeleting(ctx context.Context, person dossier.PersonID, file dossier.FileID, at time.Time,
	from ...dossier.FileState) error {
	const doing = "mark a file for deletion"
	_, err := d.update(ctx, doing, person.String(), file.String(), deleting(file, at),
		inState(dossier.FileDeleting, from...))
	if !errors.Is(err, errCondition) {
		return err
	}
	found, err := d.get(ctx, doing, person.String(), file.String())
	switch {
	case err != nil:
		return err
	case found == nil:
		return errNotFound
	}
	return errLost
}

// deleting is the change of a record to FileDeleting.
func deleting(file dossier.FileID, at time.Time) expression.UpdateBuilder {
	return expression.
		Set(expression.Name("state"), expression.Value(dossier.FileDeleting)).
		Set(expression.Name("updated_at"), expression.Value(at.UnixMicro())).
		Set(expression.Name("expires_at"), expression.Value(expiry(at))).
		Set(expression.Name("unfinished"), expression.Value(bucket(dossier.FileDeleting, shard(file))))
}

// Unfinished implements dossier.Catalog.
//
// It goes from the newest to the oldest: a body that changes UpdatedAt, as MarkDeleting does, moves the record behind
// the walk and not in front of it. And what is deleting comes first, so that an upload that the body marks is not met
// again.
func (d *DynamoDB) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.File, error] {
	return func(yield func(dossier.File, error) bool) {
		for _, state := range []dossier.FileState{dossier.FileDeleting, dossier.FileUploading} {
			for shard := range shards {
				keys := expression.Key("unfinished").Equal(expression.Value(bucket(state, shard)))
				if state == dossier.FileUploading {
					keys = keys.And(expression.Key("updated_at").LessThan(expression.Value(ceilMicro(before))))
				}
				in := &dynamodb.QueryInput{IndexName: aws.String(unfinishedIndex), ScanIndexForward: aws.Bool(false),
					Limit: &d.page}
				if !yieldFiles(d.query(ctx, "list unfinished files", in, keys), yield) {
					return
				}
			}
		}
	}
}

// ceilMicro returns the first whole microsecond that is not before t, so that "before t" holds for exactly the same
// records.
func ceilMicro(t time.Time) int64 {
	return t.Add(time.Microsecond - time.Nanosecond).UnixMicro()
}

// All implements dossier.Catalog.
func (d *DynamoDB) All(ctx context.Context) iter.Seq2[dossier.File, error] {
	records := expression.Name("file_id").LessThan(expression.Value(besides))
	return func(yield func(dossier.File, error) bool) {
		yieldFiles(d.scan(ctx, "scan the file records", expression.NewBuilder().WithFilter(records)), yield)
	}
}

// Behind implements dossier.Catalog.
func (d *DynamoDB) Behind(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	limit int) ([]dossier.File, error) {
	records := expression.NewBuilder().WithFilter(expression.Name("file_id").LessThan(expression.Value(besides)))
	var from map[string]types.AttributeValue
	if person != (dossier.PersonID{}) {
		// A scan goes on behind any key, whether there is an item of it or not.
		from = key(person.String(), file.String())
	}
	return first(d.scanFrom(ctx, "scan the file records", records, from), limit)
}

// first returns up to limit records of a walk.
func first(items iter.Seq2[*item, error], limit int) (files []dossier.File, err error) {
	yieldFiles(items, func(f dossier.File, next error) bool {
		if err = next; err == nil {
			files = append(files, f)
		}
		return err == nil && len(files) < limit
	})
	if err != nil {
		return nil, err
	}
	return files, nil
}

// yieldFiles hands on what a walk finds. It returns false when the walk is over: the body broke off or there was an
// error.
func yieldFiles(items iter.Seq2[*item, error], yield func(dossier.File, error) bool) bool {
	for i, err := range items {
		var f dossier.File
		if err == nil {
			f, err = i.file()
		}
		if !yield(f, err) || err != nil {
			return false
		}
	}
	return true
}

// The requests. Each has its own deadline, and every failure passes through fault.

// errCondition: the condition of a write did not hold.
var errCondition = errors.New("condition does not hold")

// call makes one request.
func call[In, Out any](ctx context.Context, d *DynamoDB, doing string,
	do func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error), in *In, options ...func(*dynamodb.Options),
) (*Out, error) {
	limited, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	out, err := do(limited, in, options...)
	if err != nil {
		return nil, fault(ctx, doing, err)
	}
	return out, nil
}

// fault sorts a failed request: a condition that does not hold, a request that is wrong in itself and would stay so, or
// (all else: the network, throttling, 5xx, missing rights, a missing table, no credentials, no time left) a store that
// cannot be used now.
func fault(ctx context.Context, doing string, err error) error {
	var condition *types.ConditionalCheckFailedException
	if errors.As(err, &condition) {
		return errCondition
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ValidationException", "SerializationException":
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return dossier.Unavailable(ctx, doing, err)
}

func key(person, file string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"person_id": &types.AttributeValueMemberS{Value: person},
		"file_id":   &types.AttributeValueMemberS{Value: file},
	}
}

var absent = expression.AttributeNotExists(expression.Name("person_id"))

// inState holds for a record in one of the states. It never holds for an absent one.
func inState(state dossier.FileState, more ...dossier.FileState) expression.ConditionBuilder {
	others := make([]expression.OperandBuilder, len(more))
	for i, s := range more {
		others[i] = expression.Value(s)
	}
	return expression.Name("state").In(expression.Value(state), others...)
}

// get reads an item consistently; nil when it is absent.
func (d *DynamoDB) get(ctx context.Context, doing, person, file string) (*item, error) {
	out, err := call(ctx, d, doing, d.client.GetItem, &dynamodb.GetItemInput{
		TableName: &d.table, Key: key(person, file), ConsistentRead: aws.Bool(true),
	})
	if err != nil || out.Item == nil {
		return nil, err
	}
	return unmarshal(doing, out.Item)
}

func unmarshal(doing string, attributes map[string]types.AttributeValue) (*item, error) {
	i := &item{}
	if err := attributevalue.UnmarshalMap(attributes, i); err != nil {
		return nil, fmt.Errorf("%s: unknown form of item: %w", doing, err)
	}
	return i, nil
}

// put writes a whole item; errCondition.
func (d *DynamoDB) put(ctx context.Context, doing string, i item, condition expression.ConditionBuilder) error {
	attributes, err := attributevalue.MarshalMap(i)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	e, err := expression.NewBuilder().WithCondition(condition).Build()
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	_, err = call(ctx, d, doing, d.client.PutItem, &dynamodb.PutItemInput{
		TableName: &d.table, Item: attributes,
		ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	})
	return err
}

// update changes an item and returns it as it is afterwards; errCondition.
func (d *DynamoDB) update(ctx context.Context, doing, person, file string,
	change expression.UpdateBuilder, condition expression.ConditionBuilder, options ...func(*dynamodb.Options),
) (*item, error) {
	e, err := expression.NewBuilder().WithUpdate(change).WithCondition(condition).Build()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	out, err := call(ctx, d, doing, d.client.UpdateItem, &dynamodb.UpdateItemInput{
		TableName: &d.table, Key: key(person, file), UpdateExpression: e.Update(),
		ReturnValues:        types.ReturnValueAllNew,
		ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	}, options...)
	if err != nil {
		return nil, err
	}
	return unmarshal(doing, out.Attributes)
}

// remove deletes an item; errCondition.
func (d *DynamoDB) remove(ctx context.Context, doing, person, file string,
	condition expression.ConditionBuilder) error {
	e, err := expression.NewBuilder().WithCondition(condition).Build()
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	_, err = call(ctx, d, doing, d.client.DeleteItem, &dynamodb.DeleteItemInput{
		TableName: &d.table, Key: key(person, file),
		ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	})
	return err
}

// query walks a partition as in says: of which index, in which order, from where, and how many items a request reads.
func (d *DynamoDB) query(ctx context.Context, doing string, in *dynamodb.QueryInput,
	keys expression.KeyConditionBuilder) iter.Seq2[*item, error] {
	return func(yield func(*item, error) bool) {
		e, err := expression.NewBuilder().WithKeyCondition(keys).Build()
		if err != nil {
			yield(nil, fmt.Errorf("%s: %w", doing, err))
			return
		}
		in.TableName, in.KeyConditionExpression = &d.table, e.KeyCondition()
		in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.Names(), e.Values()
		for {
			out, err := call(ctx, d, doing, d.client.Query, in)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yieldItems(doing, out.Items, yield) || out.LastEvaluatedKey == nil {
				return
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}

// scan walks the whole table, consistently, as what says (a filter, a projection).
func (d *DynamoDB) scan(ctx context.Context, doing string, what expression.Builder) iter.Seq2[*item, error] {
	return d.scanFrom(ctx, doing, what, nil)
}

// scanFrom is scan from behind a key.
func (d *DynamoDB) scanFrom(ctx context.Context, doing string, what expression.Builder,
	from map[string]types.AttributeValue) iter.Seq2[*item, error] {
	return func(yield func(*item, error) bool) {
		e, err := what.Build()
		if err != nil {
			yield(nil, fmt.Errorf("%s: %w", doing, err))
			return
		}
		in := &dynamodb.ScanInput{
			TableName: &d.table, Limit: &d.page, ConsistentRead: aws.Bool(true), ExclusiveStartKey: from,
			FilterExpression: e.Filter(), ProjectionExpression: e.Projection(),
			ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		}
		for {
			out, err := call(ctx, d, doing, d.client.Scan, in)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yieldItems(doing, out.Items, yield) || out.LastEvaluatedKey == nil {
				return
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}

// yieldItems hands on one page. It returns false when the walk is over.
func yieldItems(doing string, page []map[string]types.AttributeValue, yield func(*item, error) bool) bool {
	for _, attributes := range page {
		i, err := unmarshal(doing, attributes)
		if !yield(i, err) || err != nil {
			return false
		}
	}
	return true
}
