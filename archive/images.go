package archive

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"image"
	"strconv"
	"time"

	"github.com/seed63bb8431/weir/archive/images"
	"github.com/seed63bb8431/weir/archive/store"
)

// GetImagesInput is what GetImages takes.
type GetImagesInput struct {
	StreamRef
	ImageSelectorType string // PRODUCER_TIMESTAMP or SERVER_TIMESTAMP
	StartTimestamp    *Timestamp
	EndTimestamp      *Timestamp
	SamplingInterval  *int64            // milliseconds, at least 200, default 3000; with Options.Strict needed, and at least 3000
	Format            string            // JPEG or PNG
	FormatConfig      map[string]string // JPEGQuality: "1" to "100" on the scale of the Independent JPEG Group, default 80
	WidthPixels       *int64            // 1 to 3840, with HeightPixels alone
	HeightPixels      *int64            // 1 to 2160; alone it keeps the picture's shape
	MaxResults        *int64            // 1 to 100, default 100
	NextToken         string
}

// GetImagesOutput is a page of images in the order of their times.
type GetImagesOutput struct {
	Images    []Image
	NextToken string `json:",omitempty"`

	room *share
}

// Release gives back what the images count for in Options.Memory. Without that it need not be called.
func (o *GetImagesOutput) Release() { o.room.Release() }

// Image is the picture on display at a time, or why there is none.
type Image struct {
	TimeStamp    Timestamp // that was asked for
	Error        string    `json:",omitempty"` // NO_MEDIA or MEDIA_ERROR
	ImageContent []byte    `json:",omitempty"` // a JPEG or PNG file
}

// The values of Image.Error.
const (
	noMedia    = "NO_MEDIA"
	mediaError = "MEDIA_ERROR"
)

const (
	maxImages       = 100
	maxImageContent = 6_291_456 // characters of base64, with Options.Strict
	// imagesTime is how long a page may take. What is not made by then is for the next page: callers wait a minute by default.
	imagesTime = 40 * time.Second
)

// imagesQuery is a checked GetImagesInput, and what a NextToken carries.
type imagesQuery struct {
	stream        int64
	by            store.Key
	from, to      Timestamp
	interval      int64
	format        images.Format
	quality       int
	width, height int // 0: not asked for
	next          int64
}

// GetImages gives the pictures on display at the times of a range, one for each sampling interval.
func (a *Archive) GetImages(ctx context.Context, in *GetImagesInput) (*GetImagesOutput, error) {
	q, err := a.checkImages(in)
	if err != nil {
		return nil, err
	}
	most, err := limitOf(in.MaxResults, maxImages, maxImages)
	if err != nil {
		return nil, err
	}
	after, err := a.parseImagesToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	q.stream = s.ID
	if after != nil {
		q.next = after.next
		if *after != *q {
			return nil, invalid("NextToken belongs to another request: all members but MaxResults have to be those of the page before.")
		}
	}
	if s.Retention == 0 {
		return nil, failf(NoDataRetention, noDataRetentionText)
	}
	if a.opts.Decoder == nil {
		return nil, failf(ImageDecoderUnavailable, noDecoderText)
	}
	left := (int64(q.to)-int64(q.from))/q.interval + 1 - q.next
	if err := a.spendStream("GetImages", s.ID, int(min(left, int64(most)))); err != nil {
		return nil, err
	}
	turn, err := a.imagePages.Acquire(ctx, s.ID, 1, -1)
	if err != nil {
		return nil, err
	}
	defer turn.Release()
	page := &page{archive: a, stream: &s, query: q, shots: make([]shot, min(left, int64(most)))}
	for i := range page.shots {
		page.shots[i].time = q.from + Timestamp((q.next+int64(i))*q.interval)
	}
	if err := page.make(ctx); err != nil {
		page.room.Release()
		return nil, err
	}
	out := &GetImagesOutput{Images: page.images(), room: page.room}
	if n := int64(len(out.Images)); n < left {
		q.next += n
		out.NextToken = q.token(a.keys())
	}
	return out, nil
}

// checkImages checks the members of a request.
func (a *Archive) checkImages(in *GetImagesInput) (*imagesQuery, error) {
	q := &imagesQuery{interval: 3000, quality: 80}
	switch in.ImageSelectorType {
	case serverTimestamp:
		q.by = store.ByServer
	case producerTimestamp:
		q.by = store.ByProducer
	default:
		return nil, invalid("ImageSelectorType has to be %s or %s.", producerTimestamp, serverTimestamp)
	}
	if in.StartTimestamp == nil || in.EndTimestamp == nil {
		return nil, invalid("A StartTimestamp and an EndTimestamp are needed.")
	}
	if q.from, q.to = *in.StartTimestamp, *in.EndTimestamp; q.from > q.to {
		return nil, invalid("StartTimestamp lies after EndTimestamp.")
	}
	if most := a.quotas.of(quotaImageRange); most > 0 && float64(q.to-q.from) > 1000*most {
		return nil, invalid("EndTimestamp may lie at most %v seconds behind StartTimestamp.", most)
	}
	least := int64(200)
	if a.opts.Strict {
		least = 3000
	}
	switch {
	case in.SamplingInterval != nil && *in.SamplingInterval < least:
		return nil, invalid("SamplingInterval has to be at least %d milliseconds.", least)
	case in.SamplingInterval != nil:
		q.interval = *in.SamplingInterval
	case a.opts.Strict:
		return nil, invalid("SamplingInterval is needed.")
	}
	switch in.Format {
	case "JPEG":
		q.format = images.JPEG
	case "PNG":
		q.format = images.PNG
	default:
		return nil, invalid("Format has to be JPEG or PNG.")
	}
	for key, value := range in.FormatConfig {
		if key != "JPEGQuality" {
			return nil, invalid("FormatConfig may have a JPEGQuality, and nothing else.")
		}
		var err error
		if q.quality, err = strconv.Atoi(value); err != nil || !all(value, isDigit) || q.quality < 1 || q.quality > 100 {
			return nil, invalid("FormatConfig.JPEGQuality has to be a string from \"1\" to \"100\".")
		}
	}
	var err error
	if q.width, err = pixels("WidthPixels", in.WidthPixels, 3840); err != nil {
		return nil, err
	}
	if q.height, err = pixels("HeightPixels", in.HeightPixels, 2160); err != nil {
		return nil, err
	}
	if q.width > 0 && q.height == 0 {
		return nil, failf(Validation, "WidthPixels needs HeightPixels beside it. HeightPixels alone keeps the shape of the picture.")
	}
	return q, nil
}

func pixels(name string, value *int64, most int64) (int, error) {
	if value == nil {
		return 0, nil
	}
	if *value < 1 || *value > most {
		return 0, invalid("%s has to be between 1 and %d.", name, most)
	}
	return int(*value), nil
}

const (
	purposeImages      = "weir images page 1"
	imagesTokenVersion = 1
)

// token returns the query as a NextToken: sealed, in standard base64.
func (q *imagesQuery) token(k *Keyring) string {
	b := []byte{imagesTokenVersion, byte(q.by), byte(q.format)}
	for _, v := range []int64{q.stream, int64(q.from), int64(q.to), q.interval, int64(q.quality), int64(q.width), int64(q.height), q.next} {
		b = binary.AppendVarint(b, v)
	}
	return base64.StdEncoding.EncodeToString(k.sealBytes(purposeImages, b))
}

// parseImagesToken reads a token; the empty one is none.
func (a *Archive) parseImagesToken(s string) (*imagesQuery, error) {
	if s == "" {
		return nil, nil
	}
	bad := invalid("NextToken is not one that GetImages gave out.")
	if len(s) > maxToken {
		return nil, bad
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, bad
	}
	plain, ok := a.keys().openBytes(purposeImages, b)
	if !ok {
		return nil, bad
	}
	r := fields{b: plain}
	if r.byte() != imagesTokenVersion {
		return nil, bad
	}
	q := &imagesQuery{by: store.Key(r.byte()), format: images.Format(r.byte()), stream: r.varint(), from: Timestamp(r.varint()), to: Timestamp(r.varint()),
		interval: r.varint(), quality: int(r.varint()), width: int(r.varint()), height: int(r.varint()), next: r.varint()}
	if r.short || len(r.b) > 0 || q.interval < 1 || q.next < 1 || q.next > (int64(q.to)-int64(q.from))/q.interval {
		return nil, bad
	}
	return q, nil
}

// page is a page of images while it is made.
type page struct {
	archive *Archive
	stream  *store.Stream
	query   *imagesQuery
	shots   []shot
	bytes   int // of the images there are, in base64
	room    *share
}

// errFull ends a page that has enough.
var errFull = errors.New("archive: a page of images is full")

// make fills in the shots. Those that are not done when it returns are for another page.
func (p *page) make(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, imagesTime)
	defer cancel()
	f := &filming{archive: p.archive, stream: p.stream, by: p.query.by, keyFrames: p.archive.opts.ImageKeyFrames, layout: p.query.format.Layout(), size: p.size}
	kept := int64(0)
	f.picture = func(i int, img image.Image) error {
		content, err := p.query.format.Append(nil, img, p.query.quality)
		if err != nil {
			return internal(err)
		}
		p.shots[i].content = content
		if kept += int64(len(content)); !f.room.Grow(int64(len(content))) {
			kept -= int64(len(content)) // the last one, which there is room for among what its picture takes
			return errFull
		}
		if p.bytes += base64.StdEncoding.EncodedLen(len(content)); p.full(p.bytes) {
			return errFull
		}
		return nil
	}
	err := f.film(bounded, p.shots)
	f.room.Shrink(kept)
	p.room = f.room
	switch {
	case err == nil, err == errFull, ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// full reports whether so many bytes of base64 are too many for a page.
func (p *page) full(n int) bool {
	most := p.archive.opts.Limits.ImageBytes
	return most > 0 && n > most
}

// size returns what a picture of a size is stretched to.
func (p *page) size(width, height int) (int, int) {
	switch q := p.query; {
	case q.height == 0:
		return width, height
	case q.width == 0:
		return max((q.height*width+height/2)/height, 1), q.height
	default:
		return q.width, q.height
	}
}

// images returns the images of the shots that are done, up to the first that is not: one at least.
func (p *page) images() []Image {
	all, total := []Image{}, 0
	for i := range p.shots {
		s := &p.shots[i]
		img := Image{TimeStamp: s.time, Error: s.fault}
		content := p.shots[s.same].content
		size := base64.StdEncoding.EncodedLen(len(content))
		switch {
		case s.fault != "":
		case content == nil && (s.done || i == 0), p.archive.opts.Strict && size > maxImageContent:
			img.Error = mediaError
		case content == nil, i > 0 && p.full(total+size):
			return all
		default:
			img.ImageContent = content
			total += size
		}
		all = append(all, img)
	}
	return all
}
