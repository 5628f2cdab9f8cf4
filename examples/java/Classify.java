// java -cp onnxruntime.jar Classify.java model.onnx image.png: what a model of `msmae export --preprocess` says of a PNG or
// JPEG file of 8 bits, as one line of JSON: the probability of each class. Java 17; how to get the jar stands in
// docs/recipe-other-programs.md.

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;

public final class Classify {
  private static final Pattern STRING = Pattern.compile("\"(\\\\.|[^\"\\\\])*\"");

  public static void main(String[] arguments) throws IOException, OrtException {
    if (arguments.length != 2) throw new IllegalArgumentException("expected two files: model.onnx image.png");
    BufferedImage image = ImageIO.read(new File(arguments[1]));
    if (image == null) throw new IOException(arguments[1] + ": expected a PNG or JPEG file");
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession session = environment.createSession(arguments[0], new OrtSession.SessionOptions())) {
      NodeInfo output = session.getOutputInfo().get("probabilities");
      // Those of a segmenter have four extents.
      boolean classifies = output != null && ((TensorInfo) output.getInfo()).getShape().length == 2;
      if (!classifies || !session.getInputNames().contains("pixels"))
        throw new IllegalArgumentException(arguments[0] + ": expected a classifier from msmae export --preprocess");
      // As the file has them, of any size: the model resizes and normalises.
      int channels = image.getRaster().getNumBands() > 2 || isPalette(image) ? 3 : 1;
      long[] shape = {1, channels, image.getHeight(), image.getWidth()};
      try (OnnxTensor pixels = OnnxTensor.createTensor(environment, planes(image, channels), shape, OnnxJavaType.UINT8);
          OrtSession.Result result = session.run(Map.of("pixels", pixels), Set.of("probabilities"))) {
        float[] probabilities = ((float[][]) result.get(0).getValue())[0];
        // The names are JSON already, and are printed as they stand there.
        String classes = session.getMetadata().getCustomMetadataValue("classes").orElse("[]");
        List<String> names = STRING.matcher(classes).results().map(MatchResult::group).toList();
        StringJoiner line = new StringJoiner(", ", "{", "}");
        for (int k = 0; k < probabilities.length; k++) line.add(names.get(k) + ": " + probabilities[k]);
        new PrintStream(System.out, true, StandardCharsets.UTF_8).println(line);
      }
    }
  }

  /** One channel after another, [channels, height, width]. Transparency is left out. */
  private static ByteBuffer planes(BufferedImage image, int channels) {
    int width = image.getWidth(), height = image.getHeight();
    if (image.getColorModel().getComponentSize(0) > 8) throw new IllegalArgumentException("expected 8 bits a channel");
    ByteBuffer planes = ByteBuffer.allocateDirect(channels * height * width);
    for (int channel = 0; channel < channels; channel++)
      for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
          // getRGB would change grey levels, by way of their colour space; of a palette the samples are only places in it.
          boolean palette = isPalette(image);
          int level = palette ? image.getRGB(x, y) >> (16 - 8 * channel) : image.getRaster().getSample(x, y, channel);
          planes.put((byte) level);
        }
    return planes.rewind();
  }

  private static boolean isPalette(BufferedImage image) {
    return image.getColorModel() instanceof IndexColorModel;
  }
}
