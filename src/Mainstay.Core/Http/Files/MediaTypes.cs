using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http.Files;

/// <summary>
/// Media types by a name's extension: those of IANA's registry and of the web, with a charset where a browser would have to guess. Looked up
/// once for each opened file.
/// </summary>
public sealed class MediaTypes
{
    /// <summary>What nobody knows is downloaded, not shown.</summary>
    public const string Unknown = "application/octet-stream";

    /// <summary>Extension, or several with a space between them, and type.</summary>
    private static readonly (string Extensions, string Type)[] s_table =
    [
        // text
        ("html htm shtml", "text/html; charset=utf-8"),
        ("css", "text/css; charset=utf-8"),
        ("js mjs cjs", "text/javascript; charset=utf-8"), // RFC 9239
        ("txt text log conf ini asc", "text/plain; charset=utf-8"),
        ("md markdown", "text/markdown; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8"),
        ("tsv", "text/tab-separated-values; charset=utf-8"),
        ("ics", "text/calendar; charset=utf-8"),
        ("vcf vcard", "text/vcard; charset=utf-8"),
        ("vtt", "text/vtt; charset=utf-8"),

        // structured
        ("json map", "application/json"),
        ("jsonld", "application/ld+json"),
        ("geojson", "application/geo+json"),
        ("ndjson", "application/x-ndjson"),
        ("webmanifest", "application/manifest+json"),
        ("xml xsl xslt xsd", "text/xml; charset=utf-8"),
        ("xhtml xht", "application/xhtml+xml"),
        ("rss", "application/rss+xml"),
        ("atom", "application/atom+xml"),
        ("yaml yml", "application/yaml"),
        ("toml", "application/toml"),
        ("wasm", "application/wasm"),

        // images
        ("png", "image/png"),
        ("apng", "image/apng"),
        ("jpg jpeg jpe jfif", "image/jpeg"),
        ("gif", "image/gif"),
        ("webp", "image/webp"),
        ("avif", "image/avif"),
        ("heic", "image/heic"),
        ("jxl", "image/jxl"),
        ("svg", "image/svg+xml"),
        ("ico", "image/x-icon"),
        ("bmp", "image/bmp"),
        ("tif tiff", "image/tiff"),
        ("psd", "image/vnd.adobe.photoshop"),

        // fonts
        ("woff", "font/woff"),
        ("woff2", "font/woff2"),
        ("ttf", "font/ttf"),
        ("otf", "font/otf"),
        ("ttc", "font/collection"),
        ("eot", "application/vnd.ms-fontobject"),

        // sound and film
        ("mp3", "audio/mpeg"),
        ("m4a", "audio/mp4"),
        ("aac", "audio/aac"),
        ("oga ogg opus", "audio/ogg"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
        ("weba", "audio/webm"),
        ("mid midi", "audio/midi"),
        ("mp4 m4v", "video/mp4"),
        ("webm", "video/webm"),
        ("ogv", "video/ogg"),
        ("mov qt", "video/quicktime"),
        ("avi", "video/x-msvideo"),
        ("mkv", "video/matroska"),
        ("mpeg mpg", "video/mpeg"),
        ("ts m2ts", "video/mp2t"),
        ("m3u8", "application/vnd.apple.mpegurl"),
        ("mpd", "application/dash+xml"),

        // documents
        ("pdf", "application/pdf"),
        ("ps eps", "application/postscript"),
        ("rtf", "application/rtf"),
        ("epub", "application/epub+zip"),
        ("doc", "application/msword"),
        ("xls", "application/vnd.ms-excel"),
        ("ppt", "application/vnd.ms-powerpoint"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("odt", "application/vnd.oasis.opendocument.text"),
        ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
        ("odp", "application/vnd.oasis.opendocument.presentation"),

        // archives and programs
        ("zip", "application/zip"),
        ("gz tgz", "application/gzip"),
        ("bz2", "application/x-bzip2"),
        ("xz", "application/x-xz"),
        ("zst", "application/zstd"),
        ("tar", "application/x-tar"),
        ("7z", "application/x-7z-compressed"),
        ("rar", "application/vnd.rar"),
        ("jar", "application/java-archive"),
        ("deb", "application/vnd.debian.binary-package"),
        ("rpm", "application/x-rpm"),
        ("apk", "application/vnd.android.package-archive"),
        ("iso img dmg exe msi bin dll so", Unknown),
        ("torrent", "application/x-bittorrent"),
        ("pem crt", "application/x-x509-ca-cert"),
    ];

    private static readonly FrozenDictionary<string, string> s_known = s_table
        .SelectMany(row => row.Extensions.Split(' ').Select(extension => KeyValuePair.Create(extension, row.Type)))
        .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private readonly FrozenDictionary<string, string> _own;

    /// <param name="own">By extension without its dot; before those of the table.</param>
    public MediaTypes(ImmutableArray<MediaTypeRule> own) =>
        _own = own.ToFrozenDictionary(rule => rule.Extension, rule => rule.Type, StringComparer.OrdinalIgnoreCase);

    /// <summary>The type of a file by its name; without an extension <see cref="Unknown"/>.</summary>
    public string Of(ReadOnlySpan<byte> name)
    {
        int dot = name.LastIndexOf((byte)'.'), slash = name.LastIndexOf((byte)'/');
        if (dot <= slash + 1) return _own.GetValueOrDefault("", Unknown);
        string extension = Encoding.UTF8.GetString(name[(dot + 1)..]);
        if (_own.TryGetValue(extension, out string? own)) return own;
        return s_known.TryGetValue(extension, out string? known) ? known : _own.GetValueOrDefault("", Unknown);
    }
}
