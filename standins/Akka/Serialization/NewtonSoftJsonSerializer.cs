using System.Reflection;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Util;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Newtonsoft.Json.Serialization;

namespace Akka.Serialization;

/// <summary>Lets an application change the settings of the JSON serializer.</summary>
public sealed class NewtonSoftJsonSerializerSetup : Actor.Setup.Setup
{
    private NewtonSoftJsonSerializerSetup(Action<JsonSerializerSettings> settings) => ApplySettings = settings;

    public Action<JsonSerializerSettings> ApplySettings { get; }

    public static NewtonSoftJsonSerializerSetup Create(Action<JsonSerializerSettings> settings) => new(settings);
}

/// <summary>
/// The serializer of everything that has no other: JSON with the names of classes in it. Convenient, slow, and reads whatever
/// class a sender names, so nothing that crosses a network should depend on it.
/// </summary>
public class NewtonSoftJsonSerializer : Serializer
{
    private readonly Lazy<Json> _json;

    public NewtonSoftJsonSerializer(ExtendedActorSystem system)
        : this(system, NewtonSoftJsonSerializerSettings.Default)
    {
    }

    public NewtonSoftJsonSerializer(ExtendedActorSystem system, Config config)
        : this(system, NewtonSoftJsonSerializerSettings.Create(config))
    {
    }

    // Made when first used: every system has this serializer, few use it, and loading the library takes its time.
    public NewtonSoftJsonSerializer(ExtendedActorSystem system, NewtonSoftJsonSerializerSettings settings)
        : base(system) => _json = new(() => Create(settings));

    public JsonSerializerSettings Settings => _json.Value.Settings;

    public object Serializer => _json.Value.Serializer;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj)
    {
        using var text = new StringWriter();
        using (var writer = new JsonTextWriter(text)) _json.Value.Serializer.Serialize(writer, obj);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    public override object FromBinary(byte[] bytes, Type type)
    {
        using var reader = new JsonTextReader(new StreamReader(new MemoryStream(bytes), Encoding.UTF8));
        return SurrogateConverter.Translate(_json.Value.Serializer.Deserialize(reader, type), type, system);
    }

    private Json Create(NewtonSoftJsonSerializerSettings settings)
    {
        var json = new JsonSerializerSettings
        {
            PreserveReferencesHandling = settings.PreserveObjectReferences
                ? PreserveReferencesHandling.Objects
                : PreserveReferencesHandling.None,
            TypeNameHandling = settings.EncodeTypeNames ? TypeNameHandling.All : TypeNameHandling.None,
            NullValueHandling = NullValueHandling.Ignore,
            DefaultValueHandling = DefaultValueHandling.Ignore,
            MissingMemberHandling = MissingMemberHandling.Ignore,
            ObjectCreationHandling = ObjectCreationHandling.Replace,
            ConstructorHandling = ConstructorHandling.AllowNonPublicDefaultConstructor,
            ContractResolver = new WithPrivateSetters()
        };
        if (system?.Settings.Setup?.Get<NewtonSoftJsonSerializerSetup>() is { HasValue: true } setup) setup.Value.ApplySettings(json);
        foreach (var converter in settings.Converters) json.Converters.Add(CreateConverter(converter));
        json.Converters.Add(new SurrogateConverter(system));
        return new Json(json, JsonSerializer.Create(json));
    }

    private JsonConverter CreateConverter(Type type) => (JsonConverter)(
        type.GetConstructor([typeof(ExtendedActorSystem)]) != null
            ? Activator.CreateInstance(type, system)
            : Activator.CreateInstance(type));

    private sealed record Json(JsonSerializerSettings Settings, JsonSerializer Serializer);

    private sealed class WithPrivateSetters : DefaultContractResolver
    {
        protected override JsonProperty CreateProperty(MemberInfo member, MemberSerialization memberSerialization)
        {
            var property = base.CreateProperty(member, memberSerialization);
            if (!property.Writable && member is PropertyInfo info) property.Writable = info.GetSetMethod(true) != null;
            return property;
        }
    }

    /// <summary>
    /// Writes what has a surrogate (actor references, props) as that, and the numbers whose class JSON would not keep as a letter
    /// and their digits.
    /// </summary>
    private sealed class SurrogateConverter(ExtendedActorSystem system) : JsonConverter
    {
        public override bool CanConvert(Type objectType) =>
            objectType == typeof(object) || objectType == typeof(int) || objectType == typeof(float) || objectType == typeof(decimal)
            || typeof(ISurrogated).IsAssignableFrom(objectType);

        public override object ReadJson(JsonReader reader, Type objectType, object existingValue, JsonSerializer serializer) =>
            Translate(serializer.Deserialize(reader), objectType, system);

        public override void WriteJson(JsonWriter writer, object value, JsonSerializer serializer)
        {
            switch (value)
            {
                case int number:
                    WriteNumber(writer, "I" + number.ToString(System.Globalization.NumberFormatInfo.InvariantInfo));
                    break;
                case float number:
                    WriteNumber(writer, "F" + number.ToString("R", System.Globalization.NumberFormatInfo.InvariantInfo));
                    break;
                case decimal number:
                    WriteNumber(writer, "M" + number.ToString(System.Globalization.NumberFormatInfo.InvariantInfo));
                    break;
                case ISurrogated surrogated:
                    serializer.Serialize(writer, surrogated.ToSurrogate(system));
                    break;
                default:
                    writer.WriteStartObject();
                    writer.WriteEndObject();
                    break;
            }
        }

        public static object Translate(object read, Type type, ExtendedActorSystem system) => read switch
        {
            ISurrogate surrogate => surrogate.FromSurrogate(system),
            JObject single when single.Count == 1 && single["$"] is JValue { Value: string number } => ReadNumber(number),
            IConvertible number when type == typeof(int) || type == typeof(float) || type == typeof(decimal) =>
                Convert.ChangeType(number, type, System.Globalization.NumberFormatInfo.InvariantInfo),
            _ => read
        };

        private static void WriteNumber(JsonWriter writer, string number)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("$");
            writer.WriteValue(number);
            writer.WriteEndObject();
        }

        private static object ReadNumber(string text)
        {
            var digits = text.AsSpan(1);
            var format = System.Globalization.NumberFormatInfo.InvariantInfo;
            return text[0] switch
            {
                'I' => int.Parse(digits, format),
                'F' => float.Parse(digits, format),
                'M' => decimal.Parse(digits, format),
                _ => throw new JsonSerializationException($"'{text}' is not a number with its kind")
            };
        }
    }
}
