package httpapi

import (
	"bufio"
	"encoding/base64"
	"io"

	"github.com/seed63bb8431/weir/archive"
)

// sendImages answers GetImages. A page may have 100 MB: its images become base64 on their way.
func sendImages(x *exchange, out *archive.GetImagesOutput) error {
	defer out.Release()
	w := x.media("application/json")
	w.size = 0
	if err := writeImages(&counter{&w.size}, out); err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, maxPiece)
	if err := writeImages(b, out); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return w.flush()
}

// counter counts what is written to it.
type counter struct{ n *int64 }

func (c *counter) Write(p []byte) (int, error) {
	*c.n += int64(len(p))
	return len(p), nil
}

// writeImages writes the JSON of a page.
func writeImages(w io.Writer, out *archive.GetImagesOutput) error {
	const list, content = `{"Images":[`, `,"ImageContent":"`
	if _, err := io.WriteString(w, list); err != nil {
		return err
	}
	for i := range out.Images {
		img := out.Images[i]
		bytes := img.ImageContent
		img.ImageContent = nil
		text, err := marshal(img)
		if err != nil {
			return err
		}
		if i > 0 {
			text = append([]byte{','}, text...)
		}
		if bytes == nil {
			if _, err := w.Write(text); err != nil {
				return err
			}
			continue
		}
		if _, err := w.Write(append(text[:len(text)-1], content...)); err != nil {
			return err
		}
		if c, ok := w.(*counter); ok {
			*c.n += int64(base64.StdEncoding.EncodedLen(len(bytes)))
		} else {
			encoder := base64.NewEncoder(base64.StdEncoding, w)
			if _, err := encoder.Write(bytes); err != nil {
				return err
			}
			if err := encoder.Close(); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, `"}`); err != nil {
			return err
		}
	}
	end := []byte(`]}`)
	if out.NextToken != "" {
		text, err := marshal(out.NextToken)
		if err != nil {
			return err
		}
		end = append(append([]byte(`],"NextToken":`), text...), '}')
	}
	_, err := w.Write(end)
	return err
}
