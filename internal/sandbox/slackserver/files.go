package slackserver

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

type file struct {
	id, name, title string
	size            int
	data            []byte
	uploaded        bool
	shared          bool
}

// File is a file in a message.
type File struct {
	ID, Name, Title string
	Data            []byte
}

func (f *file) view() File { return File{f.id, f.name, f.title, append([]byte(nil), f.data...)} }

func (f *file) json() map[string]any {
	return map[string]any{"id": f.id, "name": f.name, "title": f.title, "size": f.size, "user": BotUserID}
}

// uploadURL is the first of three steps
// (docs.slack.dev/messaging/working-with-files#uploading_files).
func (s *Server) uploadURL(a args) (result, *refusal) {
	size, err := strconv.Atoi(a["length"])
	if a["filename"] == "" || err != nil || size <= 0 || size > maxBody {
		return nil, refuse("invalid_arguments")
	}
	f := &file{id: s.nextID("F"), name: a["filename"], title: a["filename"], size: size}
	path := "/upload/v1/" + s.secret()
	s.files[f.id], s.files[path] = f, f
	return result{"upload_url": s.url + path, "file_id": f.id}, nil
}

// serveUpload takes a file's content, raw or as a multipart form's only file.
func (s *Server) serveUpload(r *http.Request) reply {
	text := func(status int, body string) reply {
		return reply{status, http.Header{"Content-Type": {"text/plain"}}, []byte(body)}
	}
	data, err := uploaded(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[r.URL.Path]
	switch {
	case f == nil || f.uploaded:
		s.record("upload", nil, "file_not_found")
		return text(http.StatusNotFound, "file_not_found")
	case err != nil || len(data) != f.size:
		s.record("upload", args{"file": f.id}, "bad_length")
		return text(http.StatusBadRequest, "the length is not the one that was announced")
	}
	f.data, f.uploaded = data, true
	s.record("upload", args{"file": f.id}, "")
	return text(http.StatusOK, "OK - "+strconv.Itoa(f.size))
}

func uploaded(r *http.Request) ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			return io.ReadAll(io.LimitReader(part, maxBody+1))
		}
	}
}

// completeUpload is the last step: it shares the files. The message that shows them
// is not named in the answer.
func (s *Server) completeUpload(a args) (result, *refusal) {
	var wanted []struct{ ID, Title string }
	if json.Unmarshal([]byte(a["files"]), &wanted) != nil || len(wanted) == 0 {
		return nil, refuse("invalid_arguments")
	}
	m := &message{author: BotUserID, content: content{text: a["initial_comment"]}}
	var done []map[string]any
	for _, w := range wanted {
		f := s.files[w.ID]
		if f == nil || !f.uploaded || strings.HasPrefix(w.ID, "/") {
			return nil, refuse("file_not_found")
		}
		if w.Title != "" {
			f.title = w.Title
		}
		m.files = append(m.files, f)
		done = append(done, map[string]any{"id": f.id, "title": f.title})
	}
	if a["channel_id"] != "" {
		c, bad := s.reachable(a["channel_id"])
		switch {
		case bad != nil:
			return nil, bad
		case c.archived:
			return nil, refuse("is_archived")
		case !c.members[BotUserID]:
			return nil, refuse("not_in_channel")
		}
		if m.thread, bad = c.root(a["thread_ts"]); bad != nil {
			return nil, bad
		}
		if !m.files[0].shared { // said again, it is shared once
			s.add(c, m)
		}
		for _, f := range m.files {
			f.shared = true
		}
	}
	return result{"files": done}, nil
}
